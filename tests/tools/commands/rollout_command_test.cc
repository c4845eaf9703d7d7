#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::TestFolder;
using ::testing::HasSubstr;

TEST(RolloutCommandTest, SaysWhereItListensAndStopsCleanly) {
  const RunningService worker = StartService({"rollout", "--model", TinyPolicy(), "--listen", "127.0.0.1:0"});
  EXPECT_THAT(Address(worker), HasSubstr("127.0.0.1:"));
  EXPECT_THAT(Address(worker, "control_address"), HasSubstr("127.0.0.1:"));
  EXPECT_NE(Address(worker), Address(worker, "control_address"));
  worker.process->Stop(absl::Seconds(10));
  EXPECT_THAT(worker.process->Describe(), HasSubstr("exited with 0"));
}

TEST(RolloutCommandFaultTest, ATakenPortIsTheEnvironmentsFault) {
  const RunningService worker = StartService({"rollout", "--model", TinyPolicy(), "--listen", "127.0.0.1:0"});
  const CommandResult result = Plumb({"rollout", "--model", TinyPolicy(), "--listen", Address(worker)});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.errors, HasSubstr(Address(worker)));
}

TEST(RolloutCommandFaultTest, AMissingModelIsNamed) {
  const CommandResult result = Plumb({"rollout", "--model", "no-such-folder", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("no-such-folder"));
}

}  // namespace
}  // namespace plumb::cli
