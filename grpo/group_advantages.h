#ifndef PLUMB_GRPO_GROUP_ADVANTAGES_H_
#define PLUMB_GRPO_GROUP_ADVANTAGES_H_

#include <optional>
#include <vector>

#include "absl/types/span.h"

namespace plumb {

struct AdvantageOptions {
  bool divide_by_std = false;
  double epsilon = 1e-4;  // added to the deviation
};

// Rewards that differ by no more than this count as equal.
inline constexpr double kEqualRewards = 1e-6;

struct GroupStatistics {
  int valid = 0;  // members with a reward
  double mean = 0;
  double std = 0;         // divides by valid - 1; 0 below two valid members
  bool zero_std = false;  // at least one valid member, and all of them have equal rewards
};

// Statistics over the members that have a reward.
GroupStatistics StatisticsOf(absl::Span<const std::optional<double>> rewards);

// Each completion's advantage over the others of its prompt: reward - mean, divided by std + epsilon where asked for.
// Source: arXiv:2402.03300, outcome supervision; without the division arXiv:2503.20783.
//
//   rewards  [G] reward units; finite; nothing where a completion has no reward: it is left out of all statistics
//   returns  [G] in the order of `rewards`; 0 for members without a reward
//
// Equal rewards, and fewer than two rewards, give exactly 0.
std::vector<double> GroupAdvantages(absl::Span<const std::optional<double>> rewards, const AdvantageOptions& options);

}  // namespace plumb

#endif  // PLUMB_GRPO_GROUP_ADVANTAGES_H_
