#ifndef PLUMB_GRPO_POLICY_UPDATER_H_
#define PLUMB_GRPO_POLICY_UPDATER_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "grpo/loss.h"
#include "grpo/micro_batch.h"
#include "policy/weights.h"
#include "train/adamw.h"

namespace plumb {

struct UpdateOptions {
  LossOptions loss;
  AdamWOptions adamw;
  double temperature = 1.0;  // of the sampling; the loss scores tokens at the same one
  int64_t num_ids = 0;       // ids at or above it are never sampled, and the loss leaves them out too; 0: all can be
  bool recompute_logprobs = false;  // before the first optimizer step, and use them as the old ones
  int64_t micro_batch_tokens = 8192;
  double max_grad_norm = 1.0;  // 0: no limit
};

// What an update did. Means are over the tokens that were computed, of all its optimizer steps; NaN where there are
// none.
struct UpdateReport {
  double loss = 0;       // mean over the optimizer steps
  double grad_norm = 0;  // before clipping, mean over the optimizer steps with a finite one
  double kl = 0;
  double clip_low = 0;  // shares of tokens
  double clip_high = 0;
  double entropy = 0;  // nats
  double ratio_max = 0;
  // |trainer - rollout| where both have the same weights: in the first optimizer step, or in all that was recomputed.
  double logprob_diff_max = 0;
  double logprob_diff_mean = 0;
  int64_t tokens = 0;
  int64_t optimizer_steps = 0;  // taken
  int64_t skipped_steps = 0;    // left out since the loss or a gradient was not finite
};

// Improves the policy on scored completions. Not thread-safe.
class PolicyUpdater {
 public:
  // Trains `weights` in place. `reference` is read where loss.kl_coef > 0; it may be null otherwise. Both outlive this.
  PolicyUpdater(PolicyWeights* weights, const PolicyWeights* reference, const UpdateOptions& options);

  // One optimizer step per part.
  // Errors: as LibTorch's, kResourceExhausted for memory.
  absl::StatusOr<UpdateReport> Update(absl::Span<const TrainPart> parts, double learning_rate);

  AdamW& optimizer() { return optimizer_; }

 private:
  struct Sums;
  // These throw what LibTorch throws.
  std::vector<std::vector<MicroBatch>> Pack(absl::Span<const TrainPart> parts) const;
  // Replaces the log-probabilities of the rollout by those of the trainer.
  void Recompute(std::vector<std::vector<MicroBatch>>& parts, Sums& sums) const;
  // Forward, loss and backward of one micro batch. `same_weights` as the rollout had.
  void Accumulate(const MicroBatch& batch, const LossScale& scale, bool same_weights, Sums& sums);

  PolicyWeights* const weights_;
  const PolicyWeights* const reference_;
  const UpdateOptions options_;
  const at::Device device_;
  AdamW optimizer_;
};

}  // namespace plumb

#endif  // PLUMB_GRPO_POLICY_UPDATER_H_
