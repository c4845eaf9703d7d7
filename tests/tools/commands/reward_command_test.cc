#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::TestFolder;
using ::testing::HasSubstr;

constexpr char kConfig[] = "verifiers:\n  - name: math\n";

TEST(RewardCommandTest, SaysWhereItListensAndStopsCleanly) {
  const TestFolder folder;
  const RunningService service = StartService(
      {"reward", "--config", WriteTemporary(folder, "r.yaml", kConfig), "--listen", "unix:" + folder.File("socket")});
  EXPECT_THAT(Address(service), HasSubstr("socket"));
  service.process->Stop(absl::Seconds(10));
  EXPECT_THAT(service.process->Describe(), HasSubstr("exited with 0"));
}

TEST(RewardCommandFaultTest, ATakenPortIsTheEnvironmentsFault) {
  const TestFolder folder;
  const std::string config = WriteTemporary(folder, "r.yaml", kConfig);
  const RunningService service = StartService({"reward", "--config", config, "--listen", "127.0.0.1:0"});
  const CommandResult result = Plumb({"reward", "--config", config, "--listen", Address(service)});
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.errors, HasSubstr(Address(service)));
}

TEST(RewardCommandFaultTest, AnAddressThatIsNotLoopbackIsRefused) {
  const TestFolder folder;
  const std::string config = WriteTemporary(folder, "r.yaml", kConfig);
  const CommandResult result = Plumb({"reward", "--config", config, "--listen", "0.0.0.0:0"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("0.0.0.0"));
}

TEST(RewardCommandFaultTest, AllProblemsOfAConfigurationAreReported) {
  const TestFolder folder;
  const std::string config = WriteTemporary(folder, "r.yaml", "verifiers:\n  - name: maths\nthread: 3\n");
  const CommandResult result =
      Plumb({"reward", "--config", config, "--listen", "127.0.0.1:0", "--set", "max_batch_items=0"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("r.yaml:2:11: verifiers.0.name: \"maths\" is not one of"));
  EXPECT_THAT(result.errors, HasSubstr("r.yaml:3:1: thread: unknown key; did you mean threads?"));
  EXPECT_THAT(result.errors, HasSubstr("--set max_batch_items=0: max_batch_items: 0 is less than 1"));
}

}  // namespace
}  // namespace plumb::cli
