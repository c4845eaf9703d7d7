#include <filesystem>
#include <limits>

#include "checkpoint/model_folder.h"
#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::GoldenPath;
using plumb::testing::MustRead;
using plumb::testing::MustReadJson;
using plumb::testing::TestFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(CheckpointExportTest, WritesShardsWithEqualLogits) {
  const TestFolder folder;
  const CommandResult result = Plumb({"checkpoint", "export", TinyPolicy(), folder.File("out"), "--shard-gigabytes",
                                      "0.0005", "--spelling", "transformers-5", "--experts", "fused"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const Json object = *ParseJson(result.output, "output");
  EXPECT_TRUE(object["lossless"]);
  EXPECT_EQ(object["logits"]["largest_difference"], 0.0);
  EXPECT_EQ(object["logits"]["same_top_token"], 1.0);
  EXPECT_TRUE(FileExists(folder.File("out") + "/model.safetensors.index.json"));
  EXPECT_EQ(MustReadJson(folder.File("out") + "/config.json")["rope_parameters"]["rope_type"], "default");
  EXPECT_EQ(MustRead(folder.File("out") + "/tokenizer.json"), MustRead(TinyPolicy() + "/tokenizer.json"));
  EXPECT_EQ(Plumb({"checkpoint", "verify", folder.File("out")}).exit_code, 0);
}

TEST(CheckpointExportTest, BlocksChangeWeightsAndSayHowMuch) {
  const TestFolder folder;
  const CommandResult result = Plumb({"checkpoint", "export", TinyPolicy(), folder.File("out"), "--dtype", "fp8"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const Json object = *ParseJson(result.output, "output");
  EXPECT_FALSE(object["lossless"]);
  EXPECT_GT(object["largest_change"].get<double>(), 0.0);
  EXPECT_LE(object["largest_change"].get<double>(), 1.0 / 16);
  EXPECT_GT(object["logits"]["largest_difference"].get<double>(), 0.0);
  EXPECT_EQ(Plumb({"checkpoint", "verify", folder.File("out")}).exit_code, 0);
}

TEST(CheckpointExportGoldenTest, EveryGoldenModelGoesThroughBfloat16AndFloat16) {
  const TestFolder folder;
  for (const std::string model : {"v3_fp8", "v2_fp32"}) {
    for (const std::string dtype : {"float16", "bfloat16"}) {
      const std::string out = folder.File(model + dtype);
      const CommandResult result =
          Plumb({"checkpoint", "export", GoldenPath("models/" + model), out, "--dtype", dtype, "--skip-logits"});
      ASSERT_EQ(result.exit_code, 0) << result.errors;
      EXPECT_TRUE(ParseJson(result.output, "output")->at("logits").is_null());
      const Json config = MustReadJson(out + "/config.json");
      EXPECT_EQ(config.contains("dtype") ? config["dtype"] : config["torch_dtype"], dtype);
      EXPECT_FALSE(config.contains("quantization_config"));
    }
  }
}

TEST(CheckpointExportFaultTest, NothingAppearsWhereItFails) {
  const TestFolder folder;
  CommandResult result = Plumb({"checkpoint", "export", folder.File("none"), folder.File("out")});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("none"));
  result = Plumb({"checkpoint", "export", TinyPolicy(), TinyPolicy()});
  EXPECT_EQ(result.exit_code, 2) << "the folder exists";
  result = Plumb({"checkpoint", "export", GoldenPath("models/v3_fp8"), folder.File("out"), "--experts", "fused"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("fused experts"));
  EXPECT_TRUE(ListFolder(folder.path())->empty());
}

TEST(CheckpointExportFaultTest, ScalesWithoutBlocksAreRefused) {
  const TestFolder root;
  for (const std::string dtype : {"same", "bfloat16"}) {
    const CommandResult result =
        Plumb({"checkpoint", "export", TinyPolicy(), root.File("out"), "--dtype", dtype, "--scales", "powers-of-two"});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.errors, HasSubstr("--scales powers-of-two: nothing is written in FP8 blocks"));
  }
  EXPECT_TRUE(ListFolder(root.path())->empty());
}

// A copy of the tiny policy that a test may damage.
std::string Copy(const TestFolder& root) {
  std::filesystem::copy(TinyPolicy(), root.File("copy"));
  return root.File("copy");
}

// Exports the damaged copy, which has to be refused, and returns what was said.
std::string Refusal(const TestFolder& root, const std::string& copy) {
  const CommandResult result = Plumb({"checkpoint", "export", copy, root.File("out"), "--skip-logits"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(*ListFolder(root.path()), ElementsAre("copy"));
  return result.errors;
}

TEST(CheckpointExportFaultTest, ASourceThatDiffersFromItsManifestIsRefused) {
  const TestFolder root;
  const std::string copy = Copy(root);
  const std::string weights = MustRead(copy + "/model.safetensors");
  std::string flipped = weights;
  flipped.back() ^= 1;
  ASSERT_TRUE(WriteFileAtomic(copy + "/model.safetensors", flipped).ok());
  EXPECT_THAT(Refusal(root, copy), HasSubstr("/copy/model.safetensors: SHA-256 is "));
  ASSERT_TRUE(WriteFileAtomic(copy + "/model.safetensors", weights).ok());
  const std::string config = MustRead(copy + "/config.json");
  ASSERT_TRUE(WriteFileAtomic(copy + "/config.json", config + "\n").ok());
  EXPECT_THAT(Refusal(root, copy), HasSubstr("/copy/config.json: has "));
}

TEST(CheckpointExportFaultTest, NumbersThatAreNotFiniteAreRefused) {
  for (const float number : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const TestFolder root;
    const std::string copy = Copy(root);
    const std::unique_ptr<ModelFolder> folder = *ModelFolder::Open(TinyPolicy());
    ModelFolderContent content;
    content.config = folder->config();
    for (const std::string& name : folder->names()) content.tensors.emplace_back(name, *folder->Find(name));
    const std::string name = "model.norm.weight";
    TensorBytes norm = *folder->Find(name);
    std::vector<float> values(norm.bytes.size() / sizeof(float), number);
    norm.bytes = absl::MakeConstSpan(reinterpret_cast<const std::byte*>(values.data()), norm.bytes.size());
    std::erase_if(content.tensors, [&](const StreamedTensor& tensor) { return tensor.name == name; });
    content.tensors.emplace_back(name, norm);
    std::filesystem::remove(copy + "/manifest.json");
    ASSERT_TRUE(WriteModelFolder(copy, content).ok());
    EXPECT_THAT(Refusal(root, copy), HasSubstr("model.norm.weight: has numbers that are not finite, such as "));
  }
}

TEST(CheckpointExportFaultTest, DamagedWeightsAreRefused) {
  const TestFolder root;
  const std::string copy = Copy(root);
  std::filesystem::remove(copy + "/manifest.json");
  const std::string weights = MustRead(copy + "/model.safetensors");
  ASSERT_TRUE(WriteFileAtomic(copy + "/model.safetensors", weights.substr(0, weights.size() / 2)).ok());
  EXPECT_THAT(Refusal(root, copy), HasSubstr("/copy/model.safetensors: "));
  ASSERT_TRUE(WriteFileAtomic(copy + "/model.safetensors", "version https://git-lfs.github.com/spec/v1\n").ok());
  EXPECT_THAT(Refusal(root, copy), HasSubstr("/copy/model.safetensors: is a Git LFS pointer"));
}

TEST(CheckpointExportFaultTest, ABrokenTokenizerOrTemplateIsRefused) {
  const TestFolder root;
  const std::string copy = Copy(root);
  std::filesystem::remove(copy + "/manifest.json");
  const std::string tokenizer = MustRead(copy + "/tokenizer.json");
  ASSERT_TRUE(WriteFileAtomic(copy + "/tokenizer.json", tokenizer.substr(0, tokenizer.size() / 2)).ok());
  EXPECT_THAT(Refusal(root, copy), HasSubstr("/copy/tokenizer.json: "));
  ASSERT_TRUE(WriteFileAtomic(copy + "/tokenizer.json", tokenizer).ok());
  ASSERT_TRUE(WriteFileAtomic(copy + "/chat_template.jinja", "{% for message in messages %}").ok());
  EXPECT_THAT(Refusal(root, copy), HasSubstr("chat"));
}

// Exports `source` to a folder in `root`, with a signal as soon as the shell's `condition` holds, in which $pid is the
// program and $2 `root`.
CommandResult InterruptedExport(const std::string& source, const std::string& root, const std::string& condition) {
  return plumb::testing::RunCommand({"sh", "-c",
                                     "\"$0\" checkpoint export \"$1\" \"$2/out\" & pid=$!; until " + condition +
                                         "; do :; done; kill -TERM $pid; wait $pid",
                                     plumb::testing::PlumbProgram(), source, root},
                                    /*timeout_seconds=*/60);
}

// What is left to do when the temporary folder is there, with both models' logits, takes longer than a look at it.
TEST(CheckpointExportTest, AnInterruptLeavesNothingAndEndsWithExitCode130) {
  const TestFolder root;
  const CommandResult result = InterruptedExport(TinyPolicy(), root.path(), "[ -d \"$2\"/out.tmp-* ]");
  EXPECT_EQ(result.exit_code, 130) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("interrupt: stopping; an output that is not complete is removed"));
  EXPECT_THAT(result.errors, HasSubstr("plumb checkpoint export: interrupted before "));
  EXPECT_TRUE(ListFolder(root.path())->empty());
}

// The manifest names a file whose bytes take seconds to hash; the signal comes when the program catches it.
TEST(CheckpointExportTest, AnInterruptWhileTheSourceIsCheckedEndsWithExitCode130) {
  const TestFolder root;
  const std::string copy = Copy(root);
  Json manifest = MustReadJson(copy + "/manifest.json");
  const int64_t size = int64_t{4} << 30;
  manifest["files"]["LARGE"] = {{"size", size}, {"sha256", std::string(64, '0')}};
  ASSERT_TRUE(WriteFileAtomic(copy + "/manifest.json", DumpJson(manifest)).ok());
  ASSERT_TRUE(WriteFileAtomic(copy + "/LARGE", "").ok());
  std::filesystem::resize_file(copy + "/LARGE", size);  // takes no room on the disk
  const std::string caught = "grep -q '^SigCgt:.*[4-7c-f]...$' /proc/$pid/status";
  const CommandResult result = InterruptedExport(copy, root.path(), caught);
  EXPECT_EQ(result.exit_code, 130) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("interrupt: left; nothing was written yet"));
  EXPECT_THAT(*ListFolder(root.path()), ElementsAre("copy"));
}

}  // namespace
}  // namespace plumb::cli
