#include "grpo/step_metrics.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/testing/test_files.h"

namespace plumb {
namespace {

ScoredCompletion Member(RewardOutcome outcome, double reward, int64_t tokens, FinishReason reason) {
  ScoredCompletion member;
  member.reward.outcome = outcome;
  member.reward.value = reward;
  member.reward.components = {{"builtin/math", 2 * reward}};
  member.completion.ids.assign(tokens, 1);
  member.completion.finish_reason = reason;
  return member;
}

// One group with rewards 1 and 0 and an abstention, one with equal rewards, one dropped.
std::vector<ScoredGroup> ThreeGroups() {
  std::vector<ScoredGroup> groups(3);
  groups[0].members = {Member(RewardOutcome::kScored, 1, 2, FinishReason::kStop),
                       Member(RewardOutcome::kScored, 0, 4, FinishReason::kLength),
                       Member(RewardOutcome::kAbstained, 7, 6, FinishReason::kStop)};
  groups[1].members = {Member(RewardOutcome::kScored, 1, 2, FinishReason::kStop),
                       Member(RewardOutcome::kScored, 1, 2, FinishReason::kStop)};
  groups[1].zero_std = true;
  groups[2].members = {Member(RewardOutcome::kFailed, 0, 8, FinishReason::kLength)};
  groups[2].dropped = true;
  return groups;
}

std::map<std::string, double> Metrics() {
  const std::vector<ScoredGroup> groups = ThreeGroups();
  StepResult result;
  result.groups = groups;
  result.update.clip_low = 0.1;
  result.update.clip_high = 0.2;
  result.times.step = 2;
  const StepMetrics metrics = MakeStepMetrics(result);
  return {metrics.begin(), metrics.end()};
}

TEST(StepMetricsTest, CountsOnlyWhatHasAScore) {
  std::map<std::string, double> metrics = Metrics();
  EXPECT_DOUBLE_EQ(metrics["reward/mean"], 0.75);
  EXPECT_DOUBLE_EQ(metrics["reward/std"], 0.5);
  EXPECT_DOUBLE_EQ(metrics["reward/builtin/math"], 1.5);
  EXPECT_DOUBLE_EQ(metrics["groups/dropped"], 1);
  EXPECT_DOUBLE_EQ(metrics["groups/zero_std_share"], 0.5);
}

TEST(StepMetricsTest, MeasuresAllCompletions) {
  std::map<std::string, double> metrics = Metrics();
  EXPECT_DOUBLE_EQ(metrics["completion_length/mean"], 4);
  EXPECT_DOUBLE_EQ(metrics["completion_length/max"], 8);
  EXPECT_DOUBLE_EQ(metrics["truncated_share"], 2.0 / 6);
  EXPECT_DOUBLE_EQ(metrics["tokens_per_second"], 12);
  EXPECT_DOUBLE_EQ(metrics["clip_fraction"], 0.1 + 0.2);
}

TEST(StepMetricsTest, OfNothingScoredThereIsNoMean) {
  for (const auto& [key, value] : MakeStepMetrics(StepResult())) {
    EXPECT_EQ(std::isnan(value), key == "reward/mean" || key == "reward/std") << key;
  }
}

TEST(StepMetricsTest, CountsCompletionsWithoutAReward) {
  std::map<std::string, double> metrics = Metrics();
  EXPECT_DOUBLE_EQ(metrics["reward/abstained_share"], 1.0 / 6);
  EXPECT_DOUBLE_EQ(metrics["reward/failed_share"], 1.0 / 6);
  EXPECT_DOUBLE_EQ(metrics["reward/invalid_share"], 0);
  EXPECT_DOUBLE_EQ(metrics["groups/unscored_share"], 1.0 / 3);
}

TEST(StepMetricsTest, OnlyAKlToAReferenceIsCalledKl) {
  StepResult result;
  const auto has = [&](const std::string& key) {
    const StepMetrics metrics = MakeStepMetrics(result);
    return std::any_of(metrics.begin(), metrics.end(), [&](const auto& metric) { return metric.first == key; });
  };
  EXPECT_TRUE(has("kl_rollout"));
  EXPECT_FALSE(has("kl"));
  result.has_reference = true;
  EXPECT_TRUE(has("kl"));
  EXPECT_FALSE(has("kl_rollout"));
}

// docs/metrics.md names every key in the first column of its tables.
TEST(StepMetricsTest, EveryKeyIsDocumented) {
  const std::string page = testing::MustRead(testing::SourcePath("docs/metrics.md"));
  for (const auto& [key, value] : Metrics()) {
    const std::string name = key == "reward/builtin/math" ? "reward/<component>" : key;
    EXPECT_NE(page.find("| `" + name + "` |"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace plumb
