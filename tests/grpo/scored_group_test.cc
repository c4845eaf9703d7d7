#include "grpo/scored_group.h"

#include <gmock/gmock.h>

#include <limits>

namespace plumb {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

PromptRow Row(const std::string& id) {
  PromptRow row;
  row.id = id;
  row.prompt = "prompt of " + id;
  row.prompt_ids = {1, 2};
  row.row_json = R"({"id": "x"})";
  return row;
}

Completion Answer(int64_t tokens, FinishReason reason = FinishReason::kStop) {
  Completion completion;
  completion.ids.assign(tokens, 5);
  completion.sampling_logprobs.assign(tokens, -1.0f);
  completion.finish_reason = reason;
  completion.text = "five";
  return completion;
}

RewardResult Result(RewardOutcome outcome, double value = 0) {
  RewardResult result;
  result.outcome = outcome;
  result.value = value;
  return result;
}

class ScoredGroupTest : public ::testing::Test {
 protected:
  const PromptRow first_ = Row("a");
  const PromptRow second_ = Row("b");
  const std::vector<PromptVisit> visits_ = {{&first_, 3}, {&second_, 4}};

  // Two groups of two completions with these results.
  std::vector<ScoredGroup> Join(const std::vector<RewardResult>& results) const {
    std::vector<RolloutGroup> groups(2);
    for (RolloutGroup& group : groups) group.completions = {Answer(2), Answer(3, FinishReason::kLength)};
    return JoinScores(visits_, std::move(groups), results);
  }
};

TEST_F(ScoredGroupTest, RequestsCarryTheSeedKey) {
  const std::vector<GroupRequest> requests = GenerationRequests(visits_, 8, 17, SeedDomain::kTrain);
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[1].row_id, "b");
  EXPECT_EQ(requests[1].visit, 4u);
  EXPECT_EQ(requests[1].run_seed, 17u);
  EXPECT_EQ(requests[1].group_size, 8);
  EXPECT_NE(requests[0].group_id, requests[1].group_id);
}

TEST_F(ScoredGroupTest, ItemsSayWhatRewardNeeds) {
  PromptRow chat = Row("chat");
  chat.messages = {{{"role", "user"}, {"content", "two and two?"}}};
  std::vector<RolloutGroup> groups(1);
  groups[0].completions = {Answer(2), Answer(3, FinishReason::kLength)};
  const std::vector<RewardItem> items = RewardItems({{&chat, 0}}, groups);
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0].completion, "five");
  EXPECT_EQ(items[0].row_json, chat.row_json);
  EXPECT_THAT(items[0].messages, ElementsAre(Pair("user", "two and two?")));
  EXPECT_FALSE(items[0].truncated);
  EXPECT_TRUE(items[1].truncated);
  EXPECT_NE(items[0].id, items[1].id);
}

TEST_F(ScoredGroupTest, AFailedRewardDropsItsWholeGroup) {
  std::vector<ScoredGroup> groups = Join({Result(RewardOutcome::kScored, 1), Result(RewardOutcome::kFailed),
                                          Result(RewardOutcome::kScored, 1), Result(RewardOutcome::kScored, 0)});
  EXPECT_TRUE(groups[0].dropped);
  EXPECT_FALSE(groups[1].dropped);
  EXPECT_DOUBLE_EQ(UnscoredShare(groups), 0.5);
  AssignAdvantages(groups, {}, false);
  EXPECT_FALSE(groups[0].members[0].trained);
  EXPECT_TRUE(groups[1].members[0].trained);
  EXPECT_DOUBLE_EQ(groups[1].members[0].advantage, 0.5);
}

TEST_F(ScoredGroupTest, AValueThatIsNotFiniteIsAFailure) {
  const std::vector<ScoredGroup> groups =
      Join({Result(RewardOutcome::kScored, std::numeric_limits<double>::quiet_NaN()), Result(RewardOutcome::kScored, 1),
            Result(RewardOutcome::kScored, 1), Result(RewardOutcome::kScored, 0)});
  EXPECT_TRUE(groups[0].dropped);
  EXPECT_THAT(groups[0].members[0].reward.message, ::testing::HasSubstr("nan"));
}

TEST_F(ScoredGroupTest, AGroupWithoutTwoScoresCannotTeach) {
  const std::vector<ScoredGroup> groups = Join({Result(RewardOutcome::kScored, 1), Result(RewardOutcome::kAbstained),
                                                Result(RewardOutcome::kScored, 1), Result(RewardOutcome::kScored, 0)});
  EXPECT_FALSE(groups[0].dropped);
  EXPECT_DOUBLE_EQ(UnscoredShare(groups), 0.5);
  EXPECT_DOUBLE_EQ(UnscoredShare({}), 0);
}

TEST_F(ScoredGroupTest, CountsOutcomes) {
  std::vector<ScoredGroup> groups = Join({Result(RewardOutcome::kScored, 1), Result(RewardOutcome::kAbstained),
                                          Result(RewardOutcome::kInvalid), Result(RewardOutcome::kFailed)});
  groups[1].members[0].reward.message = "no answer in the row";
  const OutcomeCounts counts = CountOutcomes(groups);
  EXPECT_EQ(counts.completions, 4);
  EXPECT_EQ(counts.abstained, 1);
  EXPECT_EQ(counts.invalid, 1);
  EXPECT_EQ(counts.failed, 1);
  EXPECT_EQ(counts.first_message, "no answer in the row");
}

TEST_F(ScoredGroupTest, AbstainedStaysOutOfBaselineAndLoss) {
  std::vector<ScoredGroup> groups = Join({Result(RewardOutcome::kScored, 1), Result(RewardOutcome::kAbstained, 9),
                                          Result(RewardOutcome::kScored, 1), Result(RewardOutcome::kInvalid, 9)});
  AssignAdvantages(groups, {}, false);
  for (const ScoredGroup& group : groups) {
    EXPECT_FALSE(group.dropped);
    EXPECT_TRUE(group.zero_std);
    EXPECT_TRUE(group.members[0].trained);
    EXPECT_EQ(group.members[0].advantage, 0);
    EXPECT_FALSE(group.members[1].trained);
    EXPECT_EQ(group.members[1].advantage, 0);
  }
}

TEST_F(ScoredGroupTest, MaskedTruncationStaysInTheBaseline) {
  std::vector<ScoredGroup> groups = Join({Result(RewardOutcome::kScored, 1), Result(RewardOutcome::kScored, 0),
                                          Result(RewardOutcome::kScored, 1), Result(RewardOutcome::kScored, 1)});
  AssignAdvantages(groups, {}, true);
  EXPECT_DOUBLE_EQ(groups[0].members[0].advantage, 0.5);
  EXPECT_TRUE(groups[0].members[0].trained);
  EXPECT_FALSE(groups[0].members[1].trained);
}

}  // namespace
}  // namespace plumb
