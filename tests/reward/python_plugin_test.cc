#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/child_process.h"
#include "base/json.h"
#include "reward/reward_client.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

// The plug-in in Python of examples/reward_python, as a process of its own.
namespace plumb {
namespace {

using ::plumb::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

// A Python that can import grpc, or "". A version manager's python3 may lack what Debian's has.
std::string FindPython() {
  for (const std::string python : {"python3", "/usr/bin/python3"}) {
    if (testing::RunCommand({python, "-c", "import grpc, google.protobuf"}, 20).exit_code == 0) return python;
  }
  return "";
}

class PythonPlugin : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string python = FindPython();
    if (python.empty()) {
      GTEST_SKIP() << "no python3 that imports grpc: apt-get install python3-grpcio python3-protobuf";
    }
    ASSERT_OK_AND_ASSIGN(process_, ChildProcess::Start("python plug-in",
                                                       {python, testing::SourcePath("examples/reward_python/server.py"),
                                                        "--listen", "127.0.0.1:0", "--brevity-weight", "0.5"},
                                                       folder_.File("log.txt")));
    ASSERT_OK_AND_ASSIGN(const std::string line, process_->ReadLine(Soon()));
    ASSERT_OK_AND_ASSIGN(const Json ready, ParseJson(line, "the plug-in's first line"));
    ASSERT_OK_AND_ASSIGN(const std::string address, JsonString(ready, "address", "the plug-in's first line"));
    proto::PluginConfig plugin;
    plugin.set_outage_seconds(0);
    plugin.set_name("python");
    plugin.set_address(address);
    proto::RewardClientConfig config;
    config.set_max_attempts(2);
    config.set_batch_items(3);
    ASSERT_OK_AND_ASSIGN(client_, RewardClient::Connect({plugin}, config));
  }

  // Completion i says i; the right answer is 4.
  static std::vector<RewardItem> Items(int count) {
    std::vector<RewardItem> items(count);
    for (int i = 0; i < count; ++i) {
      items[i] = {.id = absl::StrCat("item ", i),
                  .completion = absl::StrCat("It is ", i),
                  .row_json = R"({"answer": "#### 4"})"};
    }
    return items;
  }

  testing::TestFolder folder_;
  std::unique_ptr<ChildProcess> process_;
  std::unique_ptr<RewardClient> client_;
};

class PythonPluginIntegrationTest : public PythonPlugin {};
class PythonPluginFaultTest : public PythonPlugin {};

TEST_F(PythonPluginIntegrationTest, Scores) {
  std::vector<RewardItem> items = Items(10);
  items[7].row_json = "{}";
  items[8].row_json = "not JSON";
  items[9].completion = "4 \xff";  // bytes that are no text must not break the call
  ASSERT_OK_AND_ASSIGN(const auto results, client_->Score(items, Soon()));
  EXPECT_EQ(results[4].outcome, RewardOutcome::kScored);
  EXPECT_EQ(results[4].message, "python: read 4.0, expected 4.0");
  ASSERT_EQ(results[4].components.size(), 3);
  EXPECT_EQ(results[4].components[1].name, "python/correct");
  EXPECT_EQ(results[4].components[1].value, 1);
  EXPECT_DOUBLE_EQ(results[4].value, 1 + 0.5 / 1.07);
  EXPECT_EQ(results[5].components[1].value, 0);
  EXPECT_EQ(results[7].outcome, RewardOutcome::kInvalid);
  EXPECT_EQ(results[8].outcome, RewardOutcome::kFailed);
  EXPECT_THAT(results[8].message, HasSubstr("JSONDecodeError"));
  EXPECT_EQ(results[9].components[1].value, 1);
  EXPECT_EQ(client_->counters().retried_items, 1);
}

TEST_F(PythonPluginIntegrationTest, StopsWhenAsked) {
  process_->Stop(absl::Seconds(10));
  EXPECT_THAT(process_->Describe(), HasSubstr("exited with 0"));
}

TEST_F(PythonPluginFaultTest, IsNamedWhenItIsKilledInTheMiddle) {
  ASSERT_OK(client_->Score(Items(3), Soon()));
  ASSERT_EQ(::kill(process_->pid(), SIGKILL), 0);
  const absl::Time start = absl::Now();
  EXPECT_THAT(client_->Score(Items(30), start + absl::Seconds(15)),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("reward plug-in 'python' at 127.0.0.1:"), HasSubstr("does not answer"))));
  EXPECT_LT(absl::Now() - start, absl::Seconds(10));
}

}  // namespace
}  // namespace plumb
