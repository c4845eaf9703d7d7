#ifndef PLUMB_GRPO_MICRO_BATCH_H_
#define PLUMB_GRPO_MICRO_BATCH_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "grpo/loss.h"
#include "grpo/scored_group.h"
#include "policy/packed_tokens.h"

namespace plumb {

// A completion to train on. What it refers to outlives it.
struct TrainSample {
  const std::vector<int64_t>* prompt_ids = nullptr;
  const Completion* completion = nullptr;  // at least one token
  double advantage = 0;

  // Tokens of its forward: all but the last, which predicts nothing.
  int64_t forward_tokens() const { return static_cast<int64_t>(prompt_ids->size() + completion->ids.size()) - 1; }
};

// The samples of one optimizer step.
struct TrainPart {
  std::vector<TrainSample> samples;  // those that have to be computed
  LossScale scale;                   // counts of all that take part, computed or not
};

// Splits the trained completions of `groups` by prompts into `num_parts` parts of nearly equal numbers of groups, in
// order; dropped groups are left out first. Parts without a trained completion are left out.
//
// With `skip_zero_advantages`, completions with advantage 0 are counted but not computed: their loss and its gradient
// are exactly zero. A part that has nothing else computes all.
std::vector<TrainPart> SplitIntoParts(absl::Span<const ScoredGroup> groups, int64_t num_parts,
                                      bool skip_zero_advantages);

// One forward and backward pass: N packed tokens of B sequences with M completion tokens.
struct MicroBatch {
  PackedTokens tokens;    // N
  at::Tensor predictors;  // [M] int64, which of the N tokens predict the completions' tokens
  at::Tensor targets;     // [M] int64, the completions' tokens
  at::Tensor old_logp;    // [M] float32, of the policy that sampled, at the sampling temperature
  at::Tensor advantages;  // [M] float32
  at::Tensor sequence;    // [M] int64, in [0, B)
};

// Packs samples by best fit into micro batches of at most `token_limit` tokens; a longer sample has one of its own. The
// order is a function of the samples alone. Tensors are on `device`.
std::vector<MicroBatch> PackMicroBatches(absl::Span<const TrainSample> samples, int64_t token_limit, at::Device device);

}  // namespace plumb

#endif  // PLUMB_GRPO_MICRO_BATCH_H_
