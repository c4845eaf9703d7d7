#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::SourcePath;
using plumb::testing::TestFolder;
using ::testing::HasSubstr;

TEST(SftCommandTest, CheckPrintsTheResolvedConfiguration) {
  const CommandResult result =
      Plumb({"sft", "--config", SourcePath("examples/arithmetic/sft.yaml"), "--check", "--set", "steps=3"});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("steps: 3  # --set\n"));
  EXPECT_THAT(result.output, HasSubstr("  epsilon: 1e-08  # default\n"));
}

TEST(SftCommandTest, TrainsAStep) {
  const TestFolder folder;
  const CommandResult result = Plumb({"sft",
                                      "--config",
                                      SourcePath("examples/arithmetic/sft.yaml"),
                                      "--set",
                                      "model=" + TinyPolicy(),
                                      "--set",
                                      "output=" + folder.File("run"),
                                      "--set",
                                      "steps=1",
                                      "--set",
                                      "batch_size=2",
                                      "--set",
                                      "data.file=" + SourcePath("examples/arithmetic/sft.jsonl"),
                                      "--set",
                                      "data.max_rows=4",
                                      "--set",
                                      "eval_every_steps=0",
                                      "--set",
                                      "eval_data.file=" + SourcePath("examples/arithmetic/held_out.jsonl"),
                                      "--set",
                                      "eval_data.max_rows=4"});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(FileExists(folder.File("run") + "/metrics.jsonl"));
  EXPECT_TRUE(FileExists(folder.File("run") + "/config.yaml"));
}

TEST(SftCommandFaultTest, WrongConfigurationsAreReported) {
  const TestFolder folder;
  const std::string config = WriteTemporary(folder, "sft.yaml", "model: m\noutput: o\nstepz: 1\nbatch_size: 1e3\n");
  CommandResult result = Plumb({"sft", "--config", config});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("sft.yaml:3:1: stepz: unknown key; did you mean steps?"));
  EXPECT_THAT(result.errors, HasSubstr("sft.yaml:4:13: batch_size: expected a whole number, found 1e3"));
  EXPECT_THAT(result.errors, HasSubstr("data.file: required"));
  result = Plumb({"sft", "--config", folder.File("none.yaml")});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("none.yaml"));
}

}  // namespace
}  // namespace plumb::cli
