#include "grpo/policy_updater.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/torch_guard.h"
#include "policy/policy.h"

namespace plumb {
namespace {

constexpr double kNoValue = std::numeric_limits<double>::quiet_NaN();

std::vector<Parameter> TrainableParameters(PolicyWeights& weights) {
  std::vector<Parameter> parameters;
  for (const NamedBuffer& buffer : Buffers(weights)) {
    if (!buffer.trainable) continue;
    buffer.tensor->set_requires_grad(true);
    parameters.push_back({buffer.name, *buffer.tensor, buffer.decays});
  }
  return parameters;
}

// std::max() would hide a NaN behind a number.
double LargerOrNan(double a, double b) { return std::isnan(b) || b > a ? b : a; }

TokenScores ScoreCompletions(const PolicyWeights& weights, const MicroBatch& batch, const UpdateOptions& options) {
  ForwardContext context;
  context.device = weights.embed.device();
  const at::Tensor hidden = Forward(weights, batch.tokens, KvView::Own(), context);
  return ScoreTokens(weights, hidden.index_select(0, batch.predictors), batch.targets, options.temperature,
                     options.num_ids);
}

}  // namespace

struct PolicyUpdater::Sums {
  LossSums loss;
  double part_loss = 0;  // of the current optimizer step
  double total_loss = 0;
  double total_norm = 0;
  double entropy = 0;
  double diff = 0;
  double diff_max = 0;
  double diff_tokens = 0;

  // [M] of the trainer, of the rollout
  void AddDifference(const at::Tensor& logp, const at::Tensor& old_logp) {
    const at::Tensor difference = (logp - old_logp).abs();  // [M]
    diff += difference.sum().item<double>();
    diff_max = LargerOrNan(diff_max, difference.max().item<double>());
    diff_tokens += static_cast<double>(difference.numel());
  }

  // Of no step and no token there is no mean: 0 / 0 is the NaN that says so.
  void Fill(UpdateReport& report) const {
    const double steps = static_cast<double>(report.optimizer_steps);
    report.loss = total_loss / steps;
    report.grad_norm = total_norm / steps;
    report.kl = loss.kl / loss.tokens;
    report.clip_low = loss.clipped_low / loss.tokens;
    report.clip_high = loss.clipped_high / loss.tokens;
    report.entropy = entropy / loss.tokens;
    report.ratio_max = loss.tokens > 0 ? loss.ratio_max : kNoValue;
    report.logprob_diff_max = diff_tokens > 0 ? diff_max : kNoValue;
    report.logprob_diff_mean = diff / diff_tokens;
    report.tokens = static_cast<int64_t>(loss.tokens);
  }
};

PolicyUpdater::PolicyUpdater(PolicyWeights* weights, const PolicyWeights* reference, const UpdateOptions& options)
    : weights_(weights),
      reference_(reference),
      options_(options),
      device_(weights->embed.device()),
      optimizer_(TrainableParameters(*weights), options.adamw) {
  PLUMB_CHECK(options.loss.kl_coef == 0 || reference != nullptr) << "a KL term needs a reference policy";
}

std::vector<std::vector<MicroBatch>> PolicyUpdater::Pack(absl::Span<const TrainPart> parts) const {
  std::vector<std::vector<MicroBatch>> packed;
  for (const TrainPart& part : parts) {
    packed.push_back(PackMicroBatches(part.samples, options_.micro_batch_tokens, device_));
  }
  return packed;
}

void PolicyUpdater::Recompute(std::vector<std::vector<MicroBatch>>& parts, Sums& sums) const {
  const at::NoGradGuard no_gradients;
  for (std::vector<MicroBatch>& part : parts) {
    for (MicroBatch& batch : part) {
      const at::Tensor logp = ScoreCompletions(*weights_, batch, options_).logprobs;  // [M]
      sums.AddDifference(logp, batch.old_logp);
      batch.old_logp = logp;
    }
  }
}

void PolicyUpdater::Accumulate(const MicroBatch& batch, const LossScale& scale, bool same_weights, Sums& sums) {
  LossBatch tokens;
  if (options_.loss.kl_coef > 0) {
    const at::NoGradGuard no_gradients;
    tokens.ref_logp = ScoreCompletions(*reference_, batch, options_).logprobs;
  }
  const TokenScores scores = ScoreCompletions(*weights_, batch, options_);
  tokens.logp = scores.logprobs;
  tokens.old_logp = batch.old_logp;
  tokens.advantages = batch.advantages;
  tokens.mask = at::ones_like(batch.targets, at::kBool);
  tokens.sequence = batch.sequence;
  tokens.num_sequences = batch.tokens.num_sequences();

  const LossReport report = GrpoLoss(tokens, scale, options_.loss);
  report.loss.backward();

  sums.part_loss += report.loss.item<double>();
  sums.loss.tokens += report.sums.tokens;
  sums.loss.clipped_low += report.sums.clipped_low;
  sums.loss.clipped_high += report.sums.clipped_high;
  sums.loss.ratio_max = LargerOrNan(sums.loss.ratio_max, report.sums.ratio_max);
  sums.loss.kl += report.sums.kl;
  sums.entropy += scores.entropy.sum().item<double>();
  if (same_weights) sums.AddDifference(scores.logprobs.detach(), batch.old_logp);
}

absl::StatusOr<UpdateReport> PolicyUpdater::Update(absl::Span<const TrainPart> parts, double learning_rate) {
  UpdateReport report;
  Sums sums;
  std::vector<std::vector<MicroBatch>> packed;  // of each part
  const absl::Status prepared = CatchTorch("training", [&]() -> absl::Status {
    packed = Pack(parts);
    if (options_.recompute_logprobs) Recompute(packed, sums);
    return absl::OkStatus();
  });
  if (!prepared.ok()) return prepared;
  for (size_t p = 0; p < parts.size(); ++p) {
    const absl::Status done = CatchTorch("training", [&]() -> absl::Status {
      optimizer_.ZeroGradients();
      sums.part_loss = 0;
      // Later parts of the batch meet weights that have moved on, where a difference to the rollout is no fault.
      const bool same_weights = p == 0 && !options_.recompute_logprobs;
      for (const MicroBatch& batch : packed[p]) Accumulate(batch, parts[p].scale, same_weights, sums);
      const double norm = optimizer_.ClipGradients(options_.max_grad_norm);
      if (!std::isfinite(norm) || !std::isfinite(sums.part_loss)) {
        ++report.skipped_steps;
        return absl::OkStatus();
      }
      optimizer_.Step(learning_rate);
      ++report.optimizer_steps;
      sums.total_norm += norm;
      sums.total_loss += sums.part_loss;
      return absl::OkStatus();
    });
    if (!done.ok()) return done;
  }
  optimizer_.ZeroGradients();
  sums.Fill(report);
  return report;
}

}  // namespace plumb
