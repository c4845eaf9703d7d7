#include "reward/reward_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
using ::testing::HasSubstr;

absl::Time Soon() { return absl::Now() + absl::Seconds(20); }

// Gives each item the outcome and value that `judge` says.
ScriptedPlugin::Script Judge(std::function<void(proto::RewardResult&)> judge) {
  return [judge](int, auto&, auto&, proto::ScoreResponse& response) {
    for (auto& result : *response.mutable_results()) judge(result);
    return grpc::Status::OK;
  };
}

TEST(RewardClientTest, AddsWeightedValuesAndKeepsComponents) {
  ScriptedPlugin half(Judge([](auto& result) {
    result.set_value(0.5);
    auto& component = *result.add_components();
    component.set_name("style");
    component.set_value(3);
    result.set_message("fine");
  }));
  ScriptedPlugin one(Judge([](auto&) {}));
  ASSERT_OK_AND_ASSIGN(auto client, RewardClient::Connect({half.Config("half", 2), one.Config("one", -0.25)}, {}));
  ASSERT_OK_AND_ASSIGN(const auto results, client->Score(NumberedItems(2), Soon()));
  EXPECT_DOUBLE_EQ(results[1].value, 0.75);
  ASSERT_EQ(results[1].components.size(), 3);
  EXPECT_EQ(results[1].components[0].name, "half");
  EXPECT_EQ(results[1].components[0].value, 0.5);
  EXPECT_EQ(results[1].components[1].name, "half/style");
  EXPECT_EQ(results[1].components[2].name, "one");
  EXPECT_EQ(results[1].message, "half: fine");
  EXPECT_EQ(client->counters().calls, 2);
}

TEST(RewardClientTest, LetsTheWorstOutcomeWin) {
  ScriptedPlugin first(Judge([](auto& result) {
    if (result.id() == "1" || result.id() == "2") result.set_outcome(proto::REWARD_OUTCOME_ABSTAINED);
    if (result.id() == "3") result.set_outcome(proto::REWARD_OUTCOME_FAILED);
  }));
  ScriptedPlugin second(Judge([](auto& result) {
    if (result.id() == "2" || result.id() == "3") result.set_outcome(proto::REWARD_OUTCOME_INVALID);
  }));
  proto::RewardClientConfig config;
  config.set_max_attempts(2);
  ASSERT_OK_AND_ASSIGN(auto client, RewardClient::Connect({first.Config("a"), second.Config("b")}, config));
  ASSERT_OK_AND_ASSIGN(const auto results, client->Score(NumberedItems(4), Soon()));
  EXPECT_EQ(results[0].outcome, RewardOutcome::kScored);
  EXPECT_EQ(results[0].value, 2);
  EXPECT_EQ(results[1].outcome, RewardOutcome::kAbstained);
  EXPECT_EQ(results[1].value, 0);
  EXPECT_EQ(results[2].outcome, RewardOutcome::kInvalid);
  EXPECT_EQ(results[3].outcome, RewardOutcome::kFailed);
  EXPECT_EQ(client->counters().abstained_items, 1);
  EXPECT_EQ(client->counters().invalid_items, 1);
  EXPECT_EQ(client->counters().failed_items, 1);
  EXPECT_EQ(client->counters().retried_items, 1);
}

TEST(RewardClientTest, RefusesWhatCannotWork) {
  const auto error = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(RewardClient::Connect({}, {}), StatusIs(error, HasSubstr("reward.plugins: empty")));
  ScriptedPlugin server(Judge([](auto&) {}));
  EXPECT_THAT(RewardClient::Connect({server.Config("a"), server.Config("a")}, {}),
              StatusIs(error, HasSubstr("two have the name 'a'")));
  ASSERT_OK_AND_ASSIGN(auto client, RewardClient::Connect({server.Config("a")}, {}));
  const std::vector<RewardItem> twice = {{.id = "x"}, {.id = "x"}};
  EXPECT_THAT(client->Score(twice, Soon()), StatusIs(error, HasSubstr("the id 'x'")));
}

TEST(RewardClientTest, ScoresNothingWithoutACall) {
  ScriptedPlugin server(Judge([](auto&) {}));
  ASSERT_OK_AND_ASSIGN(auto client, RewardClient::Connect({server.Config("a")}, {}));
  ASSERT_OK_AND_ASSIGN(const auto results, client->Score({}, Soon()));
  EXPECT_TRUE(results.empty());
  EXPECT_EQ(server.calls(), 0);
}

TEST(RewardClientFaultTest, NamesThePluginThatIsGone) {
  ScriptedPlugin here(Judge([](auto&) {}));
  ScriptedPlugin gone(Judge([](auto&) {}));
  proto::RewardClientConfig config;
  config.set_max_attempts(1);
  ASSERT_OK_AND_ASSIGN(auto client, RewardClient::Connect({here.Config("here"), gone.Config("gone")}, config));
  gone.ShutDown();
  EXPECT_THAT(client->Score(NumberedItems(2), Soon()),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("reward plug-in 'gone'")));
}

}  // namespace
}  // namespace plumb
