#include "grpo/loss.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "base/check.h"

namespace plumb {
namespace {

// [M] what each trained token's loss is multiplied with; the sum over a step's trained tokens is the normalised loss.
at::Tensor TokenWeights(const LossBatch& batch, const LossScale& scale, const LossOptions& options) {
  const at::TensorOptions type = batch.logp.options().requires_grad(false);
  switch (options.normalizer) {
    case LossNormalizer::kTokenMean:
      return at::full({batch.logp.size(0)}, 1.0 / std::max<int64_t>(scale.tokens, 1), type);
    case LossNormalizer::kConstant:
      PLUMB_CHECK(options.constant_length > 0) << "constant_length is " << options.constant_length;
      return at::full({batch.logp.size(0)},
                      1.0 / (std::max<int64_t>(scale.sequences, 1) * static_cast<double>(options.constant_length)),
                      type);
    case LossNormalizer::kSequenceMean:
      break;
  }
  const at::Tensor live =
      at::zeros({batch.num_sequences}, type).index_add(0, batch.sequence, batch.mask.to(type.dtype()));
  const at::Tensor per_sequence = live.clamp_min(1).reciprocal() / std::max<int64_t>(scale.sequences, 1);
  return per_sequence.index_select(0, batch.sequence);
}

// Values that must not be read become 0 before any arithmetic: NaN times a zero mask would stay NaN.
at::Tensor Masked(const at::Tensor& values, const at::Tensor& mask) {
  return at::where(mask, values, at::zeros({}, values.options().requires_grad(false)));
}

}  // namespace

at::Tensor KlEstimate(const at::Tensor& log_ratio, KlEstimator estimator) {
  const at::Tensor d = log_ratio.clamp(-kLogRatioLimit, kLogRatioLimit);
  switch (estimator) {
    case KlEstimator::kK1:
      return -d;
    case KlEstimator::kK2:
      return d * d / 2;
    case KlEstimator::kK3:
      break;
  }
  // expm1 keeps the small differences that exp(d) - 1 loses.
  return d.expm1() - d;
}

LossReport GrpoLoss(const LossBatch& batch, const LossScale& scale, const LossOptions& options) {
  const at::Tensor logp = Masked(batch.logp, batch.mask);
  const at::Tensor old_logp = Masked(batch.old_logp, batch.mask);
  const at::Tensor advantages = Masked(batch.advantages, batch.mask);

  const at::Tensor ratio = (logp - old_logp).clamp(-kLogRatioLimit, kLogRatioLimit).exp();
  const at::Tensor clipped = ratio.clamp(1.0 - options.clip_low, 1.0 + options.clip_high);
  at::Tensor token_loss = -at::minimum(ratio * advantages, clipped * advantages);

  const bool has_reference = batch.ref_logp.defined();
  const at::Tensor kl = has_reference ? KlEstimate(Masked(batch.ref_logp, batch.mask) - logp, options.kl_estimator)
                                      : KlEstimate(logp.detach() - old_logp, options.kl_estimator);
  if (has_reference && options.kl_coef > 0) token_loss = token_loss + options.kl_coef * kl;

  LossReport report;
  report.loss = Masked(token_loss * TokenWeights(batch, scale, options), batch.mask).sum();

  const at::Tensor fixed_ratio = Masked(ratio.detach(), batch.mask);
  const at::Tensor low = fixed_ratio.lt(1.0 - options.clip_low) & advantages.lt(0) & batch.mask;
  const at::Tensor high = fixed_ratio.gt(1.0 + options.clip_high) & advantages.gt(0) & batch.mask;
  report.sums.tokens = batch.mask.sum().item<double>();
  report.sums.clipped_low = low.sum().item<double>();
  report.sums.clipped_high = high.sum().item<double>();
  report.sums.ratio_max = fixed_ratio.numel() > 0 ? fixed_ratio.max().item<double>() : 0.0;
  report.sums.kl = Masked(kl.detach(), batch.mask).sum().item<double>();
  return report;
}

}  // namespace plumb
