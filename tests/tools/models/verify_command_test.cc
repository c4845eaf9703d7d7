#include <filesystem>
#include <functional>

#include "checkpoint/model_folder.h"
#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::GoldenPath;
using plumb::testing::MustRead;
using plumb::testing::MustReadJson;
using plumb::testing::TestFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(CheckpointVerifyTest, ExplainsAFolderThatIsWell) {
  const CommandResult result = Plumb({"checkpoint", "verify", TinyPolicy()});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output,
              AllOf(HasSubstr("DeepSeek-V3"), HasSubstr("808.1 K in total, 513.2 K active per token"),
                    HasSubstr("F32 100.0 %"), HasSubstr("match manifest.json"), HasSubstr("All is well.")));
}

TEST(CheckpointVerifyGoldenTest, ExplainsBlocksAndTemplates) {
  const CommandResult blocks = Plumb({"checkpoint", "verify", GoldenPath("models/v3_fp8"), "--json"});
  EXPECT_EQ(blocks.exit_code, 0) << blocks.errors;
  const Json object = *ParseJson(blocks.output, "output");
  EXPECT_THAT(object["precision"].get<std::string>(), AllOf(HasSubstr("F8_E4M3"), HasSubstr("FP8 blocks")));
  // (136 + 16) against 4 * (48 + 32) numbers in each of 2 layers.
  EXPECT_THAT(object["cache"].get<std::string>(), HasSubstr("608 bytes per token in bfloat16; plain multi-head"));
  EXPECT_TRUE(object["problems"].empty());
  EXPECT_THAT(Plumb({"checkpoint", "verify", GoldenPath("models/v3_fp32")}).output,
              HasSubstr("for a vocabulary of 1024"));
}

// A copy of the tiny policy that a test may damage.
std::string Copy(const TestFolder& root) {
  std::filesystem::copy(TinyPolicy(), root.File("copy"));
  return root.File("copy");
}

TEST(CheckpointVerifyFaultTest, AChangedByteAndAMissingFileEndWithExitCode1) {
  const TestFolder root;
  const std::string copy = Copy(root);
  std::string weights = MustRead(copy + "/model.safetensors");
  weights.back() ^= 1;
  ASSERT_TRUE(WriteFileAtomic(copy + "/model.safetensors", weights).ok());
  CommandResult result = Plumb({"checkpoint", "verify", copy});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, AllOf(HasSubstr("PROBLEM"), HasSubstr("SHA-256")));
  EXPECT_THAT(result.errors, HasSubstr("1 problem"));
  std::filesystem::remove(copy + "/model.safetensors");
  result = Plumb({"checkpoint", "verify", copy});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("neither model.safetensors nor"));
}

TEST(CheckpointVerifyFaultTest, NumbersThatAreNotFiniteAreNamed) {
  const TestFolder root;
  const std::string copy = Copy(root);
  std::filesystem::remove(copy + "/manifest.json");
  std::string weights = MustRead(copy + "/model.safetensors");
  weights.replace(weights.size() - 4, 4, std::string("\x00\x00\xc0\x7f", 4));  // NaN
  ASSERT_TRUE(WriteFileAtomic(copy + "/model.safetensors", weights).ok());
  const CommandResult result = Plumb({"checkpoint", "verify", copy});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("not finite"));
}

TEST(CheckpointVerifyFaultTest, ARefusedConfigurationIsAProblemAndAMissingFolderIsUsage) {
  const TestFolder root;
  const std::string copy = Copy(root);
  Json config = MustReadJson(copy + "/config.json");
  config["index_topk"] = 2048;
  ASSERT_TRUE(WriteFileAtomic(copy + "/config.json", DumpJson(config)).ok());
  const CommandResult result = Plumb({"checkpoint", "verify", copy});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("index_topk"));
  EXPECT_THAT(result.output, AllOf(HasSubstr(" tokens; begins with "), Not(HasSubstr("vocabulary of"))));
  EXPECT_EQ(Plumb({"checkpoint", "verify", root.File("none")}).exit_code, 2);
}

// Rewrites the copy's weights with `change`; the checksums of the old ones go.
void ChangeWeights(const std::string& copy, const std::function<void(ModelFolderContent&)>& change) {
  const std::unique_ptr<ModelFolder> folder = *ModelFolder::Open(TinyPolicy());
  ModelFolderContent content;
  content.config = folder->config();
  for (const std::string& name : folder->names()) content.tensors.emplace_back(name, *folder->Find(name));
  change(content);
  std::filesystem::remove(copy + "/manifest.json");
  ASSERT_TRUE(WriteModelFolder(copy, content).ok());
}

TEST(CheckpointVerifyFaultTest, NamesOfTensorsDoNotReachTheTerminal) {
  static const std::byte kBytes[4] = {};
  const TestFolder root;
  const std::string copy = Copy(root);
  ChangeWeights(copy, [](ModelFolderContent& content) {
    content.tensors.emplace_back("\x1b[2J\nAll is well.", TensorBytes{TensorType::kF32, {1}, kBytes});
  });
  const CommandResult result = Plumb({"checkpoint", "verify", copy});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("PROBLEM      \\x1b[2J\\x0aAll is well.: not a tensor"));
  EXPECT_THAT(result.output, Not(HasSubstr("\x1b")));
  const CommandResult load = Plumb({"generate", "--model", copy, "--input", "-", "--output", "-"});
  EXPECT_THAT(load.errors, AllOf(HasSubstr("\\x1b[2J"), Not(HasSubstr("\x1b"))));
}

TEST(CheckpointVerifyFaultTest, OfManyProblemsTwentyKindsAreShown) {
  const TestFolder root;
  const std::string copy = Copy(root);
  ChangeWeights(copy, [](ModelFolderContent& content) { content.tensors.resize(1); });
  const std::string all = Plumb({"checkpoint", "verify", copy}).output;
  EXPECT_THAT(all, HasSubstr("PROBLEM      ... and "));
  const Json object = *ParseJson(Plumb({"checkpoint", "verify", copy, "--json"}).output, "output");
  const size_t missing = (*ModelFolder::Open(TinyPolicy()))->names().size() - 1;
  EXPECT_EQ(object["problems"].size(), missing);
  EXPECT_EQ(object["num_problems"], missing);
  size_t shown = 0;
  for (size_t at = all.find("PROBLEM "); at != std::string::npos; at = all.find("PROBLEM ", at + 1)) ++shown;
  EXPECT_EQ(shown, 21u) << "twenty and how many more";
  EXPECT_THAT(all, HasSubstr("model.layers.0.input_layernorm.weight: is missing in " + copy +
                             "; config.json asks for it (and 2 more like it, the last "
                             "model.layers.2.input_layernorm.weight)\n"));
}

// 1 KB that used to ask for gigabytes.
TEST(CheckpointVerifyFaultTest, AConfigurationOfAMillionMatricesIsRefused) {
  const TestFolder root;
  const std::string copy = Copy(root);
  Json config = MustReadJson(copy + "/config.json");
  config["num_hidden_layers"] = 1024;
  config["n_routed_experts"] = 8192;
  ASSERT_TRUE(WriteFileAtomic(copy + "/config.json", DumpJson(config)).ok());
  const CommandResult result = Plumb({"checkpoint", "verify", copy});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("matrices of experts, expected at most 1048576"));
  EXPECT_LT(result.output.size(), 2000u);
}

TEST(CheckpointVerifyFaultTest, ALinkThatLeadsNowhereIsAProblem) {
  for (const std::string name : {"tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "LICENSE"}) {
    const TestFolder root;
    const std::string copy = Copy(root);
    std::filesystem::remove(copy + "/" + name);
    std::filesystem::create_symlink("gone", copy + "/" + name);
    const CommandResult result = Plumb({"checkpoint", "verify", copy});
    EXPECT_EQ(result.exit_code, 1) << name;
    EXPECT_THAT(result.output, HasSubstr(name + ": links to gone, which does not exist"));
  }
}

TEST(CheckpointVerifyTest, TokensThatBeginAndEndTextsMayBeMissing) {
  const TestFolder root;
  const std::string copy = Copy(root);
  std::filesystem::remove(copy + "/manifest.json");
  Json settings = MustReadJson(copy + "/tokenizer_config.json");
  EXPECT_THAT(Plumb({"checkpoint", "verify", copy}).output,
              AllOf(HasSubstr("; begins with 0, ends with 1\n"), Not(HasSubstr("no end token"))));
  settings.erase("bos_token");
  settings.erase("eos_token");
  ASSERT_TRUE(WriteFileAtomic(copy + "/tokenizer_config.json", DumpJson(settings)).ok());
  Json config = MustReadJson(copy + "/config.json");
  config.erase("eos_token_id");
  config.erase("bos_token_id");
  ASSERT_TRUE(WriteFileAtomic(copy + "/config.json", DumpJson(config)).ok());
  std::filesystem::remove(copy + "/generation_config.json");
  const CommandResult result = Plumb({"checkpoint", "verify", copy});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, AllOf(HasSubstr(" for a vocabulary of 432; no BOS, no end token\n"),
                                   HasSubstr("note         there is no end token: completions end by length only\n")));
}

TEST(CheckpointVerifyTest, FilesThatDisagreeOnTokensAreNoted) {
  const TestFolder root;
  const std::string copy = Copy(root);
  std::filesystem::remove(copy + "/manifest.json");
  Json config = MustReadJson(copy + "/config.json");
  config["bos_token_id"] = 9;
  ASSERT_TRUE(WriteFileAtomic(copy + "/config.json", DumpJson(config)).ok());
  const CommandResult result = Plumb({"checkpoint", "verify", copy});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output,
              HasSubstr("note         config.json says bos_token_id 9, but the tokenizer's bos_token is"));
  const Json object = *ParseJson(Plumb({"checkpoint", "verify", copy, "--json"}).output, "output");
  EXPECT_EQ(object["notes"].size(), 1u);
}

TEST(CheckpointVerifyTest, WeightsThatAreNotReadAreNoted) {
  const TestFolder root;
  const std::string copy = Copy(root);
  ASSERT_TRUE(WriteFileAtomic(copy + "/model.safetensors.index.json", "{}").ok());
  const CommandResult result = Plumb({"checkpoint", "verify", copy});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("note         model.safetensors.index.json is ignored"));
}

TEST(CheckpointVerifyFaultTest, AClaimOfPowersOfTwoThatIsNotTrueIsAProblem) {
  const TestFolder root;
  std::filesystem::copy(GoldenPath("models/v3_fp8"), root.File("copy"));
  Json config = MustReadJson(root.File("copy/config.json"));
  config["quantization_config"]["scale_fmt"] = "ue8m0";
  ASSERT_TRUE(WriteFileAtomic(root.File("copy/config.json"), DumpJson(config)).ok());
  const CommandResult result = Plumb({"checkpoint", "verify", root.File("copy")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("weight_scale_inv: has scales that are no powers of two"));
}

}  // namespace
}  // namespace plumb::cli
