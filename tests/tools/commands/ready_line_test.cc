#include <csignal>

#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using ::testing::HasSubstr;

TEST(ReadyLineTest, AServiceRunsUntilItIsToldToStop) {
  const plumb::testing::TestFolder folder;
  const std::string config = WriteTemporary(folder, "r.yaml", "verifiers: [{name: math}]\n");
  const RunningService service = StartService({"reward", "--config", config, "--listen", "127.0.0.1:0"});
  EXPECT_EQ(service.ready.size(), 1) << DumpJson(service.ready);
  absl::SleepFor(absl::Milliseconds(200));
  EXPECT_TRUE(service.process->IsRunning());
  ASSERT_EQ(kill(service.process->pid(), SIGINT), 0);
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (service.process->IsRunning() && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(20));
  EXPECT_THAT(service.process->Describe(), HasSubstr("exited with 0"));
}

}  // namespace
}  // namespace plumb::cli
