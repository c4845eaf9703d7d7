#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::PlumbProgram;
using plumb::testing::RunCommand;
using plumb::testing::SourcePath;
using ::testing::HasSubstr;

TEST(TrainingOptionsFaultTest, SeveralTrainerProcessesAreRefused) {
  const CommandResult result = RunCommand({"env", "RANK=0", "WORLD_SIZE=2", "LOCAL_RANK=0", PlumbProgram(), "sft",
                                           "--config", SourcePath("examples/arithmetic/sft.yaml"), "--check"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("several trainer processes are not supported yet"));
}

// The demo's configuration with files that are there.
std::vector<std::string> DemoSft(const std::vector<std::string>& more) {
  std::vector<std::string> words = {"sft", "--config", SourcePath("examples/arithmetic/sft.yaml")};
  for (const std::string& value : {"model=" + TinyPolicy(), "data.file=" + SourcePath("examples/arithmetic/sft.jsonl"),
                                   "eval_data.file=" + SourcePath("examples/arithmetic/held_out.jsonl")}) {
    words.insert(words.end(), {"--set", value});
  }
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST(TrainingOptionsTest, CheckOnlyNotesAMissingDevice) {
  const CommandResult result = Plumb(DemoSft({"--check", "--set", "compute.device=cuda:99"}));
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.errors, HasSubstr("note: device 'cuda:99'"));
  EXPECT_THAT(result.output, HasSubstr("steps: 600"));
}

TEST(TrainingOptionsFaultTest, AMissingDeviceIsTheEnvironmentsFault) {
  const CommandResult result = Plumb(DemoSft({"--set", "compute.device=cuda:99"}));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.errors, HasSubstr("cuda:99"));
}

TEST(TrainingOptionsFaultTest, AKeyGivenAsAnOptionGetsAHint) {
  const CommandResult result = Plumb({"sft", "--config", "x", "--steps", "3", "--lr=1e-4"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("--steps: unknown option; did you mean --set steps=3?"));
  EXPECT_THAT(result.errors, HasSubstr("--lr: unknown option; did you mean --set optimizer.learning_rate=1e-4?"));
}

}  // namespace
}  // namespace plumb::cli
