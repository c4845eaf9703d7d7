#ifndef PLUMB_GRPO_SCORED_GROUP_H_
#define PLUMB_GRPO_SCORED_GROUP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "grpo/group_advantages.h"
#include "reward/reward_item.h"
#include "rollout/generation.h"
#include "text/dataset.h"

// From prompts to scored groups: what the GRPO loop sends to rollout and reward, and how the answers are joined. All
// pure.
namespace plumb {

// A row of the data and how often it was asked for before in this run.
struct PromptVisit {
  const PromptRow* row = nullptr;
  uint64_t visit = 0;
};

struct ScoredCompletion {
  Completion completion;
  RewardResult reward;
  double advantage = 0;
  bool trained = false;  // takes part in the loss
};

// All completions of one prompt, in the order of their sample index.
struct ScoredGroup {
  const PromptRow* row = nullptr;
  bool dropped = false;   // a reward failed, so nothing of the group counts
  bool zero_std = false;  // rewards are equal: no advantage, nothing to learn
  std::vector<ScoredCompletion> members;
};

// One request per visit; group ids are the visits' indices.
std::vector<GroupRequest> GenerationRequests(absl::Span<const PromptVisit> visits, int64_t group_size,
                                             uint64_t run_seed, SeedDomain domain);

// The items of all completions, group after group. `groups` are in the order of `visits`.
std::vector<RewardItem> RewardItems(absl::Span<const PromptVisit> visits, absl::Span<const RolloutGroup> groups);

// Puts `results`, in the order of RewardItems(), to their completions. A result that is scored with a value that is not
// finite counts as failed; a group with a failed result is dropped.
std::vector<ScoredGroup> JoinScores(absl::Span<const PromptVisit> visits, std::vector<RolloutGroup> groups,
                                    const std::vector<RewardResult>& results);

// Fills advantages, `trained` and `zero_std` of the groups that are not dropped. Completions without a score have
// advantage 0 and stay out of the loss and the baseline. With `mask_truncated`, so do those that reached the length
// limit, but they stay in the baseline.
void AssignAdvantages(std::vector<ScoredGroup>& groups, const AdvantageOptions& options, bool mask_truncated);

// The share of groups that cannot teach, since they are dropped or have fewer than two scored completions to compare; 0
// of no groups.
double UnscoredShare(absl::Span<const ScoredGroup> groups);

// How many completions of all groups have each outcome.
struct OutcomeCounts {
  int64_t completions = 0;
  int64_t abstained = 0;
  int64_t invalid = 0;
  int64_t failed = 0;
  std::string first_message;  // of the first that failed or is invalid; empty where there is none
};
OutcomeCounts CountOutcomes(absl::Span<const ScoredGroup> groups);

}  // namespace plumb

#endif  // PLUMB_GRPO_SCORED_GROUP_H_
