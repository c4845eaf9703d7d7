#include "reward/reward_proto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr auto kInternal = absl::StatusCode::kInternal;

proto::ScoreRequest TwoItems() {
  const std::vector<RewardItem> items = {{.id = "a"}, {.id = "b"}};
  return RequestFor(items, {0, 1});
}

void AddResult(proto::ScoreResponse& response, const std::string& id, double value) {
  proto::RewardResult& result = *response.add_results();
  result.set_id(id);
  result.set_outcome(proto::REWARD_OUTCOME_SCORED);
  result.set_value(value);
}

TEST(ToValidUtf8Test, KeepsTextAndReplacesEveryOtherByte) {
  EXPECT_EQ(ToValidUtf8("ab é 漢 😀"), "ab é 漢 😀");
  EXPECT_EQ(ToValidUtf8("a\xff z"), "a\xEF\xBF\xBD z");
  EXPECT_EQ(ToValidUtf8("\xE6\xBC"), "\xEF\xBF\xBD\xEF\xBF\xBD");                  // cut off
  EXPECT_EQ(ToValidUtf8("\xC0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD");                  // overlong
  EXPECT_EQ(ToValidUtf8("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // surrogate
  EXPECT_EQ(ToValidUtf8(absl::string_view("a\0b", 3)), std::string("a\0b", 3));
}

TEST(RequestForTest, CarriesEveryFieldThereAndBack) {
  const std::vector<RewardItem> items = {{.id = "0"},
                                         {.id = "7",
                                          .prompt = "p",
                                          .messages = {{"user", "u"}},
                                          .completion = "c\xff",
                                          .completion_ids = {3, 70000},
                                          .row_json = "{}",
                                          .truncated = true}};
  const proto::ScoreRequest request = RequestFor(items, {1});
  proto::ScoreRequest received;
  ASSERT_TRUE(received.ParseFromString(request.SerializeAsString()));
  ASSERT_OK_AND_ASSIGN(const std::vector<RewardItem> back, ItemsFromRequest(received, 1));
  ASSERT_EQ(back.size(), 1);
  EXPECT_EQ(back[0].id, "7");
  EXPECT_EQ(back[0].prompt, "p");
  EXPECT_THAT(back[0].messages, ElementsAre(Pair("user", "u")));
  EXPECT_EQ(back[0].completion, "c\xEF\xBF\xBD");
  EXPECT_THAT(back[0].completion_ids, ElementsAre(3, 70000));
  EXPECT_EQ(back[0].row_json, "{}");
  EXPECT_TRUE(back[0].truncated);
}

TEST(ItemsFromRequestTest, RefusesWhatTheContractForbids) {
  const auto error = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(ItemsFromRequest(TwoItems(), 1), StatusIs(error, HasSubstr("2 of them, at most 1")));
  const std::vector<RewardItem> twice = {{.id = "a"}, {.id = "a"}};
  EXPECT_THAT(ItemsFromRequest(RequestFor(twice, {0, 1}), 9), StatusIs(error, HasSubstr("items.1.id: 'a'")));
  const std::vector<RewardItem> unnamed = {{.id = ""}};
  EXPECT_THAT(ItemsFromRequest(RequestFor(unnamed, {0}), 9), StatusIs(error, HasSubstr("items.0.id: is empty")));
}

TEST(ResultsFromResponseTest, PutsResultsIntoTheOrderOfTheItems) {
  const std::vector<RewardItem> items = {{.id = "b"}, {.id = "a"}};
  const std::vector<RewardResult> results = {
      {.outcome = RewardOutcome::kScored, .value = 2, .components = {{"x", 0.5}}, .message = "m"},
      {.outcome = RewardOutcome::kAbstained, .value = 9}};
  ASSERT_OK_AND_ASSIGN(const auto back, ResultsFromResponse(TwoItems(), ResponseFor(items, results)));
  EXPECT_EQ(back[0].outcome, RewardOutcome::kAbstained);
  EXPECT_EQ(back[0].value, 0);
  EXPECT_EQ(back[1].value, 2);
  EXPECT_EQ(back[1].components[0].name, "x");
  EXPECT_EQ(back[1].message, "m");
}

TEST(ResultsFromResponseTest, RefusesMissingDuplicateAndUnknownIds) {
  proto::ScoreResponse response;
  AddResult(response, "a", 1);
  EXPECT_THAT(ResultsFromResponse(TwoItems(), response),
              StatusIs(kInternal, HasSubstr("1 results for 2 items, none for the id 'b'")));
  AddResult(response, "a", 1);
  EXPECT_THAT(ResultsFromResponse(TwoItems(), response), StatusIs(kInternal, HasSubstr("two results have the id 'a'")));
  response.mutable_results(1)->set_id("c");
  EXPECT_THAT(ResultsFromResponse(TwoItems(), response),
              StatusIs(kInternal, HasSubstr("'c', which was not asked for")));
}

TEST(ResultsFromResponseTest, FailsAnItemWithoutAFiniteValue) {
  proto::ScoreResponse response;
  AddResult(response, "a", std::numeric_limits<double>::quiet_NaN());
  AddResult(response, "b", 1);
  auto& component = *response.mutable_results(1)->add_components();
  component.set_name("x");
  component.set_value(std::numeric_limits<double>::infinity());
  ASSERT_OK_AND_ASSIGN(const auto results, ResultsFromResponse(TwoItems(), response));
  EXPECT_EQ(results[0].outcome, RewardOutcome::kFailed);
  EXPECT_EQ(results[0].message, "value is nan, expected a finite number");
  EXPECT_EQ(results[1].outcome, RewardOutcome::kFailed);
}

TEST(ResultsFromResponseTest, FailsAnItemWithoutAKnownOutcome) {
  proto::ScoreResponse response;
  AddResult(response, "a", 1);
  AddResult(response, "b", 1);
  response.mutable_results(0)->set_outcome(proto::REWARD_OUTCOME_UNSPECIFIED);
  response.mutable_results(1)->set_outcome(static_cast<proto::RewardOutcome>(9));
  ASSERT_OK_AND_ASSIGN(const auto results, ResultsFromResponse(TwoItems(), response));
  EXPECT_EQ(results[0].outcome, RewardOutcome::kFailed);
  EXPECT_EQ(results[1].outcome, RewardOutcome::kFailed);
}

}  // namespace
}  // namespace plumb
