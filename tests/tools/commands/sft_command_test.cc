#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::SourcePath;
using plumb::testing::TestFolder;
using ::testing::HasSubstr;

TEST(SftCommandTest, CheckPrintsTheResolvedConfiguration) {
  const std::string rows = SourcePath("examples/arithmetic/held_out.jsonl");
  const CommandResult result =
      Plumb({"sft", "--config", SourcePath("examples/arithmetic/sft.yaml"), "--check", "--set", "steps=3", "--set",
             "model=" + TinyPolicy(), "--set", "data.file=" + rows, "--set", "eval_data.file=" + rows});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("steps: 3  # --set\n"));
  EXPECT_THAT(result.output, HasSubstr("  epsilon: 1e-08  # default\n"));
}

TEST(SftCommandTest, TrainsAStepAndSaysWhereEverythingIs) {
  const TestFolder folder;
  const std::vector<std::string> words = {"sft",
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
                                          "eval_every_steps=1",
                                          "--set",
                                          "eval_data.file=" + SourcePath("examples/arithmetic/held_out.jsonl"),
                                          "--set",
                                          "eval_data.max_rows=4",
                                          "--set",
                                          "max_sequence_length=20"};
  CommandResult result = Plumb(words);
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_TRUE(FileExists(folder.File("run") + "/metrics.jsonl"));
  EXPECT_TRUE(FileExists(folder.File("run") + "/config.yaml"));
  EXPECT_TRUE(FileExists(folder.File("run") + "/report.html"));
  EXPECT_THAT(result.errors, HasSubstr("step 1: eval/loss "));
  EXPECT_THAT(result.errors, HasSubstr("rows are longer than max_sequence_length 20"));
  EXPECT_THAT(result.errors, HasSubstr("no row trains an end token"));
  EXPECT_THAT(result.errors, HasSubstr("the newest checkpoint is " + folder.File("run") + "/checkpoints/step-1"));
  EXPECT_THAT(result.errors, HasSubstr("the report is " + folder.File("run") + "/report.html"));

  std::vector<std::string> again = words;
  again.push_back("--resume");
  result = Plumb(again);
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("nothing is left to do: 1 of 1 steps are done"));
}

TEST(SftCommandFaultTest, AnInterruptIsSaidOnce) {
  const TestFolder folder;
  const std::string rows = SourcePath("examples/arithmetic/held_out.jsonl");
  // Without --foreground the signal goes to the program and once more to its group: two interrupts.
  const CommandResult result = plumb::testing::RunCommand({"timeout",
                                                           "--foreground",
                                                           "--preserve-status",
                                                           "-s",
                                                           "INT",
                                                           "4",
                                                           plumb::testing::PlumbProgram(),
                                                           "sft",
                                                           "--config",
                                                           SourcePath("examples/arithmetic/sft.yaml"),
                                                           "--set",
                                                           "model=" + TinyPolicy(),
                                                           "--set",
                                                           "output=" + folder.File("run"),
                                                           "--set",
                                                           "steps=1000000",
                                                           "--set",
                                                           "batch_size=1",
                                                           "--set",
                                                           "data.file=" + rows,
                                                           "--set",
                                                           "eval_data.file=" + rows,
                                                           "--set",
                                                           "eval_every_steps=0",
                                                           "--set",
                                                           "checkpoint.every_steps=0"});
  EXPECT_EQ(result.exit_code, 130) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("plumb sft: interrupted after step "));
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

TEST(SftCommandFaultTest, ARunThatTrainsNothingFails) {
  const TestFolder folder;
  const CommandResult result =
      Plumb({"sft", "--config", SourcePath("examples/arithmetic/sft.yaml"), "--set", "steps=2", "--set",
             "model=" + BrokenPolicy(folder), "--set", "output=" + folder.File("run")});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.errors, HasSubstr("nothing was trained: each of the 2 optimizer steps was skipped"));
}

}  // namespace
}  // namespace plumb::cli
