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

TEST(TrainingOptionsFaultTest, AMissingDeviceIsTheEnvironmentsFault) {
  const CommandResult result = Plumb(
      {"sft", "--config", SourcePath("examples/arithmetic/sft.yaml"), "--check", "--set", "compute.device=cuda:99"});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.errors, HasSubstr("cuda:99"));
}

}  // namespace
}  // namespace plumb::cli
