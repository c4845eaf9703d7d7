#include "policy/kernels/router.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <limits>

#include "policy/kernels/linear.h"

namespace plumb {
namespace {

constexpr double kSumEpsilon = 1e-20;

// The indices of the `count` largest of each row, best first; the lower index wins a tie.
at::Tensor LargestIndices(const at::Tensor& values, int64_t count) {
  return std::get<1>(at::sort(values, /*stable=*/true, /*dim=*/-1, /*descending=*/true)).narrow(-1, 0, count);
}

// Scores outside the best groups become -inf.
at::Tensor KeepBestGroups(const ModelConfig& config, const at::Tensor& scores) {
  const at::Tensor grouped = scores.view({scores.size(0), config.num_groups, -1});  // [N, groups, E / groups]
  const at::Tensor group_scores = config.gate_selection == GateSelection::kNoAuxTc
                                      ? std::get<0>(grouped.topk(2, -1)).sum(-1)
                                      : std::get<0>(grouped.max(-1));
  const at::Tensor kept = at::zeros(group_scores.sizes(), scores.options().dtype(at::kBool))
                              .scatter_(1, LargestIndices(group_scores, config.groups_per_token), true);
  const double infinity = std::numeric_limits<double>::infinity();
  return grouped.masked_fill(kept.logical_not().unsqueeze(-1), -infinity).view(scores.sizes());
}

at::Tensor Scores(const ModelConfig& config, const at::Tensor& logits) {
  return config.gate_score == GateScore::kSoftmax ? at::softmax(logits, -1) : at::sigmoid(logits);
}

at::Tensor ExpertWeights(const ModelConfig& config, const at::Tensor& scores, const at::Tensor& experts) {
  const at::Tensor weights = scores.gather(1, experts);
  const bool v2 = config.family == ModelFamily::kV2;
  const bool normalise = config.norm_topk_prob && !(v2 && config.experts_per_token == 1);
  if (!normalise) return weights * config.routed_scaling_factor;
  const at::Tensor normalised = weights / (weights.sum(-1, /*keepdim=*/true) + kSumEpsilon);
  return v2 ? normalised : normalised * config.routed_scaling_factor;
}

at::Tensor RouterLogits(const at::Tensor& hidden, const at::Tensor& gate) {
  return Linear(hidden.to(at::kFloat), gate);
}

}  // namespace

at::Tensor ChooseExperts(const ModelConfig& config, const at::Tensor& scores, const at::Tensor& gate_bias) {
  const at::NoGradGuard no_grad;
  at::Tensor choice = scores.detach();
  if (gate_bias.defined()) choice = choice + gate_bias;
  const bool grouped = config.gate_selection != GateSelection::kGreedy && config.num_groups > 1;
  if (grouped) choice = KeepBestGroups(config, choice);
  return std::get<0>(LargestIndices(choice, config.experts_per_token).sort(-1));
}

Routing RouteTo(const ModelConfig& config, const at::Tensor& hidden, const at::Tensor& gate,
                const at::Tensor& experts) {
  const at::Tensor logits = RouterLogits(hidden, gate);
  return {logits, experts, ExpertWeights(config, Scores(config, logits), experts)};
}

Routing Route(const ModelConfig& config, const at::Tensor& hidden, const at::Tensor& gate,
              const at::Tensor& gate_bias) {
  const at::Tensor logits = RouterLogits(hidden, gate);
  const at::Tensor scores = Scores(config, logits);
  const at::Tensor experts = ChooseExperts(config, scores, gate_bias);
  return {logits, experts, ExpertWeights(config, scores, experts)};
}

}  // namespace plumb
