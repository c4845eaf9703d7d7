#ifndef PLUMB_GRPO_LOSS_H_
#define PLUMB_GRPO_LOSS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace plumb {

enum class LossNormalizer { kTokenMean, kSequenceMean, kConstant };
enum class KlEstimator { kK1, kK2, kK3 };

struct LossOptions {
  double clip_low = 0.2;
  double clip_high = 0.28;
  LossNormalizer normalizer = LossNormalizer::kTokenMean;
  int64_t constant_length = 0;  // kConstant: the length that every sequence counts with
  double kl_coef = 0;
  KlEstimator kl_estimator = KlEstimator::kK3;
};

// The completion tokens of one micro batch, M in all, of B sequences; a sequence is never split.
struct LossBatch {
  at::Tensor logp;            // [M] float, of the policy in training; carries gradients
  at::Tensor old_logp;        // [M] float, of the policy that sampled
  at::Tensor ref_logp;        // [M] float, of the reference policy; undefined without one
  at::Tensor advantages;      // [M] float
  at::Tensor mask;            // [M] bool, true on trained tokens; where false, nothing of the others is read
  at::Tensor sequence;        // [M] int64, in [0, B): whose token it is
  int64_t num_sequences = 0;  // B
};

// What the whole optimizer step divides by; the same for all its micro batches, so that their losses add up.
struct LossScale {
  int64_t tokens = 0;     // trained tokens
  int64_t sequences = 0;  // sequences that count, those without a trained token too where the caller counts them
};

// Sums over the trained tokens of a micro batch, for metrics.
struct LossSums {
  double tokens = 0;
  double clipped_low = 0;   // tokens with ratio < 1 - clip_low and a negative advantage
  double clipped_high = 0;  // tokens with ratio > 1 + clip_high and a positive advantage
  double ratio_max = 0;     // the largest ratio, not a sum; 0 without tokens
  double kl = 0;            // of this policy to the reference; without one, of the sampling policy to this one
};

struct LossReport {
  at::Tensor loss;  // [] float, this micro batch's share of the step's loss
  LossSums sums;
};

// Log-ratios are clamped to +- this before the exponential.
inline constexpr double kLogRatioLimit = 20.0;

// The clipped surrogate with a KL term in the loss:
//   token loss  -min(ratio A, clip(ratio, 1 - clip_low, 1 + clip_high) A) + kl_coef KL,   ratio = exp(logp - old_logp)
//   KL, d = ref_logp - logp:  k1 = -d,  k2 = d^2 / 2,  k3 = exp(d) - d - 1
//   token_mean     sum / tokens
//   sequence_mean  sum over sequences of (sum / its trained tokens) / sequences
//   constant       sum / (sequences constant_length)
// Pure tensor maths: throws what LibTorch throws. Any float type; a batch without trained tokens gives a zero with a
// gradient. Sources: arXiv:2402.03300 (objective, k3), arXiv:2503.14476 (clip high, token mean), arXiv:2503.20783
// (constant).
LossReport GrpoLoss(const LossBatch& batch, const LossScale& scale, const LossOptions& options);

// One KL estimate per token.
//   log_ratio  [M] ref_logp - logp
//   returns    [M]
at::Tensor KlEstimate(const at::Tensor& log_ratio, KlEstimator estimator);

}  // namespace plumb

#endif  // PLUMB_GRPO_LOSS_H_
