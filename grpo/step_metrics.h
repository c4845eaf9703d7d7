#ifndef PLUMB_GRPO_STEP_METRICS_H_
#define PLUMB_GRPO_STEP_METRICS_H_

#include <cstdint>

#include "absl/types/span.h"
#include "grpo/policy_updater.h"
#include "grpo/scored_group.h"
#include "train/metrics_writer.h"

namespace plumb {

// Seconds of a step's phases.
struct StepTimes {
  double rollout = 0;
  double reward = 0;
  double train = 0;
  double sync = 0;
  double step = 0;
};

// Everything that a step's metrics are made of.
struct StepResult {
  absl::Span<const ScoredGroup> groups;
  UpdateReport update;
  StepTimes times;
  double learning_rate = 0;
  int64_t total_skipped_steps = 0;  // of the run
  bool has_reference = false;       // update.kl is to the reference policy
};

// The metrics of a step, named and explained in docs/metrics.md. Rewards and components are over the scored completions
// of groups that were not dropped, lengths over all completions.
StepMetrics MakeStepMetrics(const StepResult& result);

}  // namespace plumb

#endif  // PLUMB_GRPO_STEP_METRICS_H_
