#ifndef PLUMB_GRPO_EVALUATION_H_
#define PLUMB_GRPO_EVALUATION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "grpo/scored_group.h"
#include "proto/config.pb.h"
#include "rollout/generation.h"

namespace plumb {

// A held-out row, answered greedily and scored.
struct EvalAnswer {
  const PromptRow* row = nullptr;
  Completion completion;
  RewardResult reward;
  bool correct = false;
};

struct EvalReport {
  double accuracy = 0;           // correct answers of those that have a score
  double completion_length = 0;  // mean tokens
  int64_t unscored = 0;          // answers without a score
  std::string first_message;     // why the first of these has none
  std::vector<EvalAnswer> answers;
};

// Greedy sampling with the limits and stops of training.
SamplingOptions GreedySampling(const SamplingOptions& training);

// Judges scored groups of one completion each: correct where the value reaches config.correct_threshold. The value is
// the weighted sum, or the component config.component: its full name ("builtin/math") or what follows the last slash
// ("math"). Errors: kInvalidArgument for a component that no score has, with those that there are; kUnavailable when no
// answer has a score, with the first reason.
absl::StatusOr<EvalReport> JudgeAnswers(std::vector<ScoredGroup> groups, const proto::EvalConfig& config);

}  // namespace plumb

#endif  // PLUMB_GRPO_EVALUATION_H_
