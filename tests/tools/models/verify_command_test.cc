#include <filesystem>

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

TEST(CheckpointVerifyTest, ExplainsAFolderThatIsWell) {
  const CommandResult result = Plumb({"checkpoint", "verify", TinyPolicy()});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, AllOf(HasSubstr("DeepSeek-V3"), HasSubstr("active per token"), HasSubstr("F32 100.0 %"),
                                   HasSubstr("match manifest.json"), HasSubstr("All is well.")));
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
  EXPECT_EQ(Plumb({"checkpoint", "verify", root.File("none")}).exit_code, 2);
}

}  // namespace
}  // namespace plumb::cli
