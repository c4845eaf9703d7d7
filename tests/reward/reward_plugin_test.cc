#include "reward/reward_plugin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "tests/reward/scripted_plugin.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::NumberedItems;
using ::plumb::testing::ScriptedPlugin;
using ::plumb::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using Request = proto::ScoreRequest;
using Response = proto::ScoreResponse;

proto::RewardClientConfig ClientConfig(int batch_items, double timeout_seconds = 10, int max_attempts = 2) {
  proto::RewardClientConfig config;
  config.set_batch_items(batch_items);
  config.set_timeout_seconds(timeout_seconds);
  config.set_max_attempts(max_attempts);
  return config;
}

absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

TEST(RetryPauseTest, DoublesUpToALimit) {
  EXPECT_EQ(RetryPause(1, 0.5), absl::Milliseconds(250));
  EXPECT_EQ(RetryPause(2, 0.5), absl::Milliseconds(500));
  EXPECT_EQ(RetryPause(2, 0), absl::Milliseconds(250));
  EXPECT_EQ(RetryPause(90, 0.5), absl::Seconds(10));
}

TEST(SplitIntoBatchesTest, KeepsBothLimitsAndTheOrder) {
  std::vector<RewardItem> items = NumberedItems(5);
  items[3].completion = std::string(100, 'x');
  EXPECT_THAT(SplitIntoBatches(items, {0, 1, 2, 4}, 3, 1000), ElementsAre(ElementsAre(0, 1, 2), ElementsAre(4)));
  EXPECT_THAT(SplitIntoBatches(items, {0, 3, 4}, 9, 50), ElementsAre(ElementsAre(0), ElementsAre(3), ElementsAre(4)));
  EXPECT_TRUE(SplitIntoBatches(items, {}, 3, 1000).empty());
}

TEST(RewardPluginTest, KeepsThePluginsLimits) {
  ScriptedPlugin server([](int, auto&, const Request& request, Response&) {
    absl::SleepFor(absl::Milliseconds(30));
    return request.items_size() <= 2 ? grpc::Status::OK : grpc::Status(grpc::INVALID_ARGUMENT, "too many");
  });
  server.info.set_max_batch_items(2);
  server.info.set_max_concurrent_calls(3);
  ASSERT_OK_AND_ASSIGN(auto plugin, RewardPlugin::Connect(server.Config("p"), ClientConfig(100)));
  PluginCounts counts;
  ASSERT_OK_AND_ASSIGN(const auto results, plugin->Score(NumberedItems(17), Soon(), counts));
  EXPECT_EQ(results.size(), 17);
  EXPECT_EQ(counts.calls, 9);
  EXPECT_EQ(server.most_running(), 3);
}

TEST(RewardPluginFaultTest, RefusesAnotherVersion) {
  ScriptedPlugin server([](auto&&...) { return grpc::Status::OK; });
  server.info.set_api_version(2);
  EXPECT_THAT(RewardPlugin::Connect(server.Config("p"), ClientConfig(4)),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("'p' at 127.0.0.1:"), HasSubstr("api_version 2, expected 1"))));
}

TEST(RewardPluginFaultTest, NamesAPluginThatIsNotThere) {
  proto::PluginConfig config;
  config.set_name("absent");
  config.set_address("unix:/nonexistent/socket");
  EXPECT_THAT(RewardPlugin::Connect(config, ClientConfig(4, 0.3)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("'absent' at unix:/nonexistent/socket")));
}

TEST(RewardPluginFaultTest, AsksAgainAfterUnavailable) {
  ScriptedPlugin server([](int call, auto&, auto&, auto&) {
    return call <= 2 ? grpc::Status(grpc::UNAVAILABLE, "warming up") : grpc::Status::OK;
  });
  ASSERT_OK_AND_ASSIGN(auto plugin, RewardPlugin::Connect(server.Config("p"), ClientConfig(4, 10, 3)));
  PluginCounts counts;
  ASSERT_OK_AND_ASSIGN(const auto results, plugin->Score(NumberedItems(2), Soon(), counts));
  EXPECT_EQ(results[1].value, 1);
  EXPECT_EQ(counts.calls, 3);
  EXPECT_EQ(counts.retried_items, 4);
}

TEST(RewardPluginFaultTest, AnOutageDoesNotUseUpTheAttempts) {
  ScriptedPlugin server([](int call, auto&, auto&, auto&) {
    return call <= 3 ? grpc::Status(grpc::UNAVAILABLE, "being started again") : grpc::Status::OK;
  });
  proto::PluginConfig config = server.Config("p");
  config.set_outage_seconds(60);
  ASSERT_OK_AND_ASSIGN(auto plugin, RewardPlugin::Connect(config, ClientConfig(4, 10, /*max_attempts=*/1)));
  PluginCounts counts;
  ASSERT_OK_AND_ASSIGN(const auto results, plugin->Score(NumberedItems(2), Soon(), counts));
  EXPECT_EQ(results[1].value, 1);
  EXPECT_EQ(server.calls(), 4);
}

TEST(RewardPluginFaultTest, AsksAgainForFailedItemsAlone) {
  ScriptedPlugin server([](int, auto&, const Request& request, Response& response) {
    for (auto& result : *response.mutable_results()) {
      if (result.id() == "2") result.set_outcome(proto::REWARD_OUTCOME_FAILED);
      if (result.id() == "2") result.set_message(absl::StrCat("no luck among ", request.items_size()));
    }
    return grpc::Status::OK;
  });
  ASSERT_OK_AND_ASSIGN(auto plugin, RewardPlugin::Connect(server.Config("p"), ClientConfig(4)));
  PluginCounts counts;
  ASSERT_OK_AND_ASSIGN(const auto results, plugin->Score(NumberedItems(4), Soon(), counts));
  EXPECT_EQ(results[2].outcome, RewardOutcome::kFailed);
  EXPECT_EQ(results[2].message, "no luck among 1");
  EXPECT_EQ(results[3].value, 1);
  EXPECT_EQ(server.calls(), 2);
  EXPECT_EQ(counts.retried_items, 1);
}

TEST(RewardPluginFaultTest, NeverTakesNanForAValue) {
  ScriptedPlugin server([](int, auto&, auto&, Response& response) {
    for (auto& result : *response.mutable_results()) {
      if (result.id() == "0") result.set_value(std::numeric_limits<double>::quiet_NaN());
    }
    return grpc::Status::OK;
  });
  ASSERT_OK_AND_ASSIGN(auto plugin, RewardPlugin::Connect(server.Config("p"), ClientConfig(4)));
  PluginCounts counts;
  ASSERT_OK_AND_ASSIGN(const auto results, plugin->Score(NumberedItems(2), Soon(), counts));
  EXPECT_EQ(results[0].outcome, RewardOutcome::kFailed);
  EXPECT_EQ(results[1].outcome, RewardOutcome::kScored);
}

TEST(RewardPluginFaultTest, ReportsABrokenContract) {
  const std::vector<std::pair<std::string, ScriptedPlugin::Script>> scripts = {
      {"none for the id '2'",
       [](int, auto&, auto&, Response& response) {
         response.mutable_results()->RemoveLast();
         return grpc::Status::OK;
       }},
      {"two results have the id '0'",
       [](int, auto&, auto&, Response& response) {
         *response.add_results() = response.results(0);
         return grpc::Status::OK;
       }},
      {"the id 'x', which was not asked for",
       [](int, auto&, auto&, Response& response) {
         response.mutable_results(1)->set_id("x");
         return grpc::Status::OK;
       }},
  };
  for (const auto& [message, script] : scripts) {
    ScriptedPlugin server(script);
    ASSERT_OK_AND_ASSIGN(auto plugin, RewardPlugin::Connect(server.Config("p"), ClientConfig(4)));
    PluginCounts counts;
    EXPECT_THAT(plugin->Score(NumberedItems(3), Soon(), counts),
                StatusIs(absl::StatusCode::kInternal,
                         AllOf(HasSubstr("'p' at 127.0.0.1:"), HasSubstr("contract"), HasSubstr(message))));
    EXPECT_EQ(server.calls(), 2);
  }
}

TEST(RewardPluginFaultTest, ForgivesOneBrokenAnswer) {
  ScriptedPlugin server([](int call, auto&, auto&, Response& response) {
    if (call == 1) response.clear_results();
    return grpc::Status::OK;
  });
  ASSERT_OK_AND_ASSIGN(auto plugin, RewardPlugin::Connect(server.Config("p"), ClientConfig(4)));
  PluginCounts counts;
  ASSERT_OK_AND_ASSIGN(const auto results, plugin->Score(NumberedItems(3), Soon(), counts));
  EXPECT_EQ(results[0].value, 1);
}

TEST(RewardPluginFaultTest, DoesNotRepeatARefusal) {
  ScriptedPlugin server([](auto&&...) { return grpc::Status(grpc::INVALID_ARGUMENT, "items.0.row_json: no entry"); });
  ASSERT_OK_AND_ASSIGN(auto plugin, RewardPlugin::Connect(server.Config("p"), ClientConfig(4)));
  PluginCounts counts;
  EXPECT_THAT(plugin->Score(NumberedItems(3), Soon(), counts),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("items.0.row_json: no entry")));
  EXPECT_EQ(server.calls(), 1);
}

TEST(RewardPluginFaultTest, DoesNotWaitForAPluginThatHangs) {
  ScriptedPlugin server([](int, grpc::ServerContext& context, auto&, auto&) {
    for (int i = 0; i < 500 && !context.IsCancelled(); ++i) absl::SleepFor(absl::Milliseconds(10));
    return grpc::Status::OK;
  });
  ASSERT_OK_AND_ASSIGN(auto plugin, RewardPlugin::Connect(server.Config("p"), ClientConfig(4, 0.3)));
  PluginCounts counts;
  const absl::Time start = absl::Now();
  EXPECT_THAT(plugin->Score(NumberedItems(3), start + absl::Seconds(1), counts),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("'p' at 127.0.0.1:")));
  EXPECT_LT(absl::Now() - start, absl::Seconds(3));
}

TEST(RewardPluginFaultTest, FailsOnlyTheBatchThatHangs) {
  ScriptedPlugin server([](int, grpc::ServerContext& context, const Request& request, auto&) {
    const bool hangs = request.items(0).id() == "2";
    for (int i = 0; hangs && i < 500 && !context.IsCancelled(); ++i) absl::SleepFor(absl::Milliseconds(10));
    return grpc::Status::OK;
  });
  ASSERT_OK_AND_ASSIGN(auto plugin, RewardPlugin::Connect(server.Config("p"), ClientConfig(2, 0.3)));
  PluginCounts counts;
  ASSERT_OK_AND_ASSIGN(const auto results, plugin->Score(NumberedItems(6), Soon(), counts));
  EXPECT_EQ(results[1].outcome, RewardOutcome::kScored);
  EXPECT_EQ(results[2].outcome, RewardOutcome::kFailed);
  EXPECT_EQ(results[3].outcome, RewardOutcome::kFailed);
  EXPECT_EQ(results[4].outcome, RewardOutcome::kScored);
}

TEST(RewardPluginFaultTest, NamesAPluginThatGoesAwayInTheMiddleOfABatch) {
  ScriptedPlugin* running = nullptr;
  std::thread stopper;
  ScriptedPlugin server([&](int call, auto&, auto&, auto&) {
    if (call == 1) stopper = std::thread([&] { running->ShutDown(); });
    absl::SleepFor(absl::Milliseconds(300));
    return grpc::Status::OK;
  });
  running = &server;
  ASSERT_OK_AND_ASSIGN(auto plugin, RewardPlugin::Connect(server.Config("p"), ClientConfig(4)));
  PluginCounts counts;
  EXPECT_THAT(
      plugin->Score(NumberedItems(3), Soon(), counts),
      StatusIs(absl::StatusCode::kUnavailable, AllOf(HasSubstr("'p' at 127.0.0.1:"), HasSubstr("does not answer"))));
  stopper.join();
}

TEST(RewardPluginFaultTest, SaysThatNoTimeWasLeft) {
  ScriptedPlugin server([](auto&&...) { return grpc::Status::OK; });
  ASSERT_OK_AND_ASSIGN(auto plugin, RewardPlugin::Connect(server.Config("p"), ClientConfig(4)));
  PluginCounts counts;
  EXPECT_THAT(plugin->Score(NumberedItems(3), absl::Now() - absl::Seconds(1), counts),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("no time left")));
  EXPECT_EQ(server.calls(), 0);
}

}  // namespace
}  // namespace plumb
