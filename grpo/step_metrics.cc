#include "grpo/step_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace plumb {
namespace {

constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();

struct RewardSummary {
  std::vector<double> values;
  std::map<std::string, std::pair<double, int64_t>> components;  // sum, count
};

RewardSummary SummarizeRewards(absl::Span<const ScoredGroup> groups) {
  RewardSummary summary;
  for (const ScoredGroup& group : groups) {
    if (group.dropped) continue;
    for (const ScoredCompletion& member : group.members) {
      if (member.reward.outcome != RewardOutcome::kScored) continue;
      summary.values.push_back(member.reward.value);
      for (const RewardComponent& component : member.reward.components) {
        auto& [sum, count] = summary.components[component.name];
        sum += component.value;
        ++count;
      }
    }
  }
  return summary;
}

void AddRewards(absl::Span<const ScoredGroup> groups, StepMetrics& metrics) {
  const RewardSummary summary = SummarizeRewards(groups);
  const double count = static_cast<double>(summary.values.size());
  double sum = 0;
  for (const double value : summary.values) sum += value;
  // Of nothing scored there is no mean, and a zero would say that all was bad.
  const double mean = count > 0 ? sum / count : kNoValue;
  double squares = 0;
  for (const double value : summary.values) squares += (value - mean) * (value - mean);
  metrics.emplace_back("reward/mean", mean);
  metrics.emplace_back("reward/std", count > 1 ? std::sqrt(squares / (count - 1)) : kNoValue);
  for (const auto& [name, total] : summary.components) {
    metrics.emplace_back(absl::StrCat("reward/", name), total.first / static_cast<double>(total.second));
  }
}

void AddUpdate(const StepResult& result, StepMetrics& metrics) {
  const UpdateReport& update = result.update;
  metrics.emplace_back("loss", update.loss);
  metrics.emplace_back(result.has_reference ? "kl" : "kl_rollout", update.kl);
  metrics.emplace_back("clip_fraction", update.clip_low + update.clip_high);
  metrics.emplace_back("clip_fraction/low", update.clip_low);
  metrics.emplace_back("clip_fraction/high", update.clip_high);
  metrics.emplace_back("entropy", update.entropy);
  metrics.emplace_back("ratio/max", update.ratio_max);
  metrics.emplace_back("logprob_diff/max", update.logprob_diff_max);
  metrics.emplace_back("logprob_diff/mean", update.logprob_diff_mean);
  metrics.emplace_back("grad_norm", update.grad_norm);
  metrics.emplace_back("learning_rate", result.learning_rate);
  metrics.emplace_back("skipped_steps", static_cast<double>(result.total_skipped_steps));
}

// Returns the number of completion tokens.
int64_t AddCompletions(absl::Span<const ScoredGroup> groups, StepMetrics& metrics) {
  int64_t completions = 0, tokens = 0, longest = 0, truncated = 0, zero_std = 0, kept = 0;
  for (const ScoredGroup& group : groups) {
    kept += group.dropped ? 0 : 1;
    zero_std += group.zero_std ? 1 : 0;
    for (const ScoredCompletion& member : group.members) {
      const int64_t length = static_cast<int64_t>(member.completion.ids.size());
      ++completions;
      tokens += length;
      longest = std::max(longest, length);
      truncated += member.completion.finish_reason == FinishReason::kLength ? 1 : 0;
    }
  }
  const double count = std::max<double>(static_cast<double>(completions), 1.0);
  metrics.emplace_back("completion_length/mean", static_cast<double>(tokens) / count);
  metrics.emplace_back("completion_length/max", static_cast<double>(longest));
  metrics.emplace_back("truncated_share", static_cast<double>(truncated) / count);
  metrics.emplace_back("groups/zero_std_share",
                       static_cast<double>(zero_std) / std::max<double>(static_cast<double>(kept), 1.0));
  metrics.emplace_back("groups/dropped", static_cast<double>(groups.size()) - static_cast<double>(kept));
  metrics.emplace_back("groups/unscored_share", UnscoredShare(groups));
  const OutcomeCounts outcomes = CountOutcomes(groups);
  metrics.emplace_back("reward/abstained_share", static_cast<double>(outcomes.abstained) / count);
  metrics.emplace_back("reward/invalid_share", static_cast<double>(outcomes.invalid) / count);
  metrics.emplace_back("reward/failed_share", static_cast<double>(outcomes.failed) / count);
  return tokens;
}

}  // namespace

StepMetrics MakeStepMetrics(const StepResult& result) {
  StepMetrics metrics;
  AddRewards(result.groups, metrics);
  AddUpdate(result, metrics);
  const int64_t tokens = AddCompletions(result.groups, metrics);
  const StepTimes& times = result.times;
  metrics.emplace_back("tokens_per_second", times.step > 0 ? static_cast<double>(tokens) / times.step : 0.0);
  metrics.emplace_back("time/rollout", times.rollout);
  metrics.emplace_back("time/reward", times.reward);
  metrics.emplace_back("time/train", times.train);
  metrics.emplace_back("time/sync", times.sync);
  metrics.emplace_back("time/step", times.step);
  return metrics;
}

}  // namespace plumb
