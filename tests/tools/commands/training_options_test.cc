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

TEST(TrainingOptionsFaultTest, ARunGoesOnWithTheInstructionSetAndThreadsThatItHad) {
  const plumb::testing::TestFolder root;
  const auto sft = [&](const std::string& steps, const std::string& threads, const std::vector<std::string>& more) {
    std::vector<std::string> words = DemoSft(more);
    for (const std::string& value :
         {"steps=" + steps, "compute.threads=" + threads, std::string("compute.isa=avx2"), std::string("batch_size=2"),
          "output=" + root.File("run"), std::string("checkpoint.every_steps=0")}) {
      words.insert(words.end(), {"--set", value});
    }
    return Plumb(words);
  };
  ASSERT_EQ(sft("2", "1", {}).exit_code, 0);
  const CommandResult refused = sft("3", "2", {"--resume"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.errors, HasSubstr("1 threads, now 2 (compute.threads)"));
  EXPECT_THAT(refused.errors, HasSubstr("--allow-other-machine"));
  EXPECT_EQ(sft("3", "1", {"--resume"}).exit_code, 0);
  const CommandResult allowed = sft("4", "2", {"--resume", "--allow-other-machine"});
  EXPECT_EQ(allowed.exit_code, 0) << allowed.errors;
  EXPECT_THAT(allowed.errors, HasSubstr("goes on with other bits"));
}

TEST(TrainingOptionsFaultTest, AnUnknownInstructionSetIsRefused) {
  const CommandResult result = Plumb(DemoSft({"--set", "compute.isa=sse2"}));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("avx512"));
}

TEST(TrainingOptionsFaultTest, AKeyGivenAsAnOptionGetsAHint) {
  const CommandResult result = Plumb({"sft", "--config", "x", "--steps", "3", "--lr=1e-4"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("--steps: unknown option; did you mean --set steps=3?"));
  EXPECT_THAT(result.errors, HasSubstr("--lr: unknown option; did you mean --set optimizer.learning_rate=1e-4?"));
}

}  // namespace
}  // namespace plumb::cli
