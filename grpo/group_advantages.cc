#include "grpo/group_advantages.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace plumb {

GroupStatistics StatisticsOf(absl::Span<const std::optional<double>> rewards) {
  GroupStatistics statistics;
  double lowest = std::numeric_limits<double>::infinity();
  double highest = -std::numeric_limits<double>::infinity();
  double sum = 0;
  for (const std::optional<double>& reward : rewards) {
    if (!reward.has_value()) continue;
    ++statistics.valid;
    sum += *reward;
    lowest = std::min(lowest, *reward);
    highest = std::max(highest, *reward);
  }
  if (statistics.valid == 0) return statistics;
  statistics.mean = sum / statistics.valid;
  statistics.zero_std = highest - lowest <= kEqualRewards;
  double squares = 0;
  for (const std::optional<double>& reward : rewards) {
    if (reward.has_value()) squares += (*reward - statistics.mean) * (*reward - statistics.mean);
  }
  if (statistics.valid > 1) statistics.std = std::sqrt(squares / (statistics.valid - 1));
  return statistics;
}

std::vector<double> GroupAdvantages(absl::Span<const std::optional<double>> rewards, const AdvantageOptions& options) {
  std::vector<double> advantages(rewards.size(), 0.0);
  const GroupStatistics statistics = StatisticsOf(rewards);
  // The spread is compared, not the deviation: rounding makes the deviation of equal rewards a small positive number,
  // and dividing by it would blow rounding errors up to full size.
  if (statistics.valid < 2 || statistics.zero_std) return advantages;
  const double scale = options.divide_by_std ? statistics.std + options.epsilon : 1.0;
  for (size_t i = 0; i < rewards.size(); ++i) {
    if (rewards[i].has_value()) advantages[i] = (*rewards[i] - statistics.mean) / scale;
  }
  return advantages;
}

}  // namespace plumb
