#include "sft/sft_updater.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "base/status_macros.h"
#include "base/torch_guard.h"
#include "policy/policy.h"
#include "sft/loss.h"

namespace plumb {
namespace {

std::vector<Parameter> TrainableParameters(PolicyWeights& weights) {
  std::vector<Parameter> parameters;
  for (const NamedBuffer& buffer : Buffers(weights)) {
    if (!buffer.trainable) continue;
    buffer.tensor->set_requires_grad(true);
    parameters.push_back({buffer.name, *buffer.tensor, buffer.decays});
  }
  return parameters;
}

AdamWOptions OptionsOf(const proto::OptimizerConfig& config) {
  return {.beta1 = config.beta1(),
          .beta2 = config.beta2(),
          .epsilon = config.epsilon(),
          .weight_decay = config.weight_decay()};
}

at::Tensor MicroBatchLoss(const PolicyWeights& weights, const SftMicroBatch& batch, int64_t trained_tokens) {
  ForwardContext context;
  context.device = weights.embed.device();
  const at::Tensor hidden = Forward(weights, batch.tokens, KvView::Own(), context);
  const at::Tensor predicting = hidden.index_select(0, batch.predictors);
  return SftLoss(ScoreTokens(weights, predicting, batch.targets, /*temperature=*/1.0).logprobs, trained_tokens);
}

}  // namespace

SftUpdater::SftUpdater(PolicyWeights* weights, const proto::OptimizerConfig& config)
    : weights_(weights),
      max_grad_norm_(config.max_grad_norm()),
      optimizer_(TrainableParameters(*weights), OptionsOf(config)) {}

absl::StatusOr<double> SftUpdater::Backward(const SftBatch& batch) {
  return CatchTorch("SFT forward and backward", [&]() -> absl::StatusOr<double> {
    optimizer_.ZeroGradients();
    double total = 0;
    for (const SftMicroBatch& micro_batch : batch.micro_batches) {
      const at::Tensor loss = MicroBatchLoss(*weights_, micro_batch, batch.trained_tokens);
      loss.backward();
      total += loss.item<double>();
    }
    return total;
  });
}

absl::StatusOr<SftUpdate> SftUpdater::Update(const SftBatch& batch, double learning_rate) {
  SftUpdate update;
  ASSIGN_OR_RETURN(update.loss, Backward(batch));
  return CatchTorch("SFT optimizer step", [&]() -> absl::StatusOr<SftUpdate> {
    update.grad_norm = optimizer_.ClipGradients(max_grad_norm_);
    update.skipped = !std::isfinite(update.grad_norm) || !std::isfinite(update.loss);
    if (!update.skipped) optimizer_.Step(learning_rate);
    optimizer_.ZeroGradients();
    return update;
  });
}

absl::StatusOr<double> SftUpdater::Evaluate(const SftBatch& batch) {
  return CatchTorch("SFT evaluation", [&]() -> absl::StatusOr<double> {
    const at::NoGradGuard no_gradients;
    double loss = 0;
    for (const SftMicroBatch& micro_batch : batch.micro_batches) {
      loss += MicroBatchLoss(*weights_, micro_batch, batch.trained_tokens).item<double>();
    }
    return loss;
  });
}

}  // namespace plumb
