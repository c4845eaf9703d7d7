#include "policy/kernels/router.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <limits>

#include "policy/kernels/cpu/parallel.h"
#include "policy/kernels/cpu/row_functions.h"
#include "policy/kernels/custom_gradient.h"
#include "policy/kernels/linear.h"

namespace plumb {
namespace {

constexpr double kSumEpsilon = 1e-20;
constexpr int64_t kRowsPerTask = 64;

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

bool Grouped(const ModelConfig& config) {
  return config.gate_selection != GateSelection::kGreedy && config.num_groups > 1;
}

// [N, K], row by row.
at::Tensor ChooseOnCpu(const ModelConfig& config, const at::Tensor& scores) {
  const at::Tensor experts = at::empty({scores.size(0), config.experts_per_token}, scores.options().dtype(at::kLong));
  cpu::ExpertChoice choice = ChoiceOf(config);
  choice.num_experts = scores.size(1);
  choice.scores = scores.const_data_ptr<float>();
  choice.experts = experts.mutable_data_ptr<int64_t>();
  cpu::ParallelRanges(scores.size(0), kRowsPerTask,
                      [&](int64_t begin, int64_t end) { cpu::ChooseExperts(choice, begin, end); });
  return experts;
}

// Softmax or sigmoid of each row, float32; on the CPU a row does not depend on the others.
at::Tensor ScoresOnCpu(const at::Tensor& logits, bool softmax) {
  const at::Tensor x = logits.detach().contiguous();
  const at::Tensor scores = at::empty(x.sizes(), x.options());
  const cpu::ScoreRows rows = {x.const_data_ptr<float>(), scores.mutable_data_ptr<float>(), x.size(1), softmax};
  cpu::ParallelRanges(x.size(0), kRowsPerTask,
                      [&](int64_t begin, int64_t end) { cpu::ActiveRowFunctions().scores(rows, begin, end); });
  const at::Tensor saved = scores.detach();
  return WithGradient(scores, {logits}, [saved, softmax](const at::Tensor& gradient) {
    const at::Tensor product = gradient * saved;
    return std::vector<at::Tensor>{softmax ? product - saved * product.sum(1, /*keepdim=*/true)
                                           : product * (1.0 - saved)};
  });
}

at::Tensor Scores(const ModelConfig& config, const at::Tensor& logits) {
  const bool softmax = config.gate_score == GateScore::kSoftmax;
  if (logits.is_cpu()) return ScoresOnCpu(logits, softmax);
  return softmax ? at::softmax(logits, -1) : at::sigmoid(logits);
}

// [N, 1], added in the order of the columns.
at::Tensor RowSums(const at::Tensor& weights) {
  const std::vector<at::Tensor> columns = weights.split(1, 1);
  at::Tensor sum = columns[0];
  for (size_t k = 1; k < columns.size(); ++k) sum = sum + columns[k];
  return sum;
}

at::Tensor ExpertWeights(const ModelConfig& config, const at::Tensor& scores, const at::Tensor& experts) {
  const at::Tensor weights = scores.gather(1, experts);
  const cpu::ExpertWeights rule = WeightsOf(config);
  const at::Tensor shares = rule.normalise ? weights / (RowSums(weights) + kSumEpsilon) : weights;
  return shares * rule.factor;
}

at::Tensor RouterLogits(const at::Tensor& hidden, const at::Tensor& gate) {
  return LinearToFloat(hidden.to(at::kFloat), gate);
}

}  // namespace

cpu::ExpertChoice ChoiceOf(const ModelConfig& config) {
  return {.num_experts = config.num_experts,
          .per_row = config.experts_per_token,
          .num_groups = Grouped(config) ? config.num_groups : 1,
          .groups_per_row = config.groups_per_token,
          .two_best = config.gate_selection == GateSelection::kNoAuxTc};
}

cpu::ExpertWeights WeightsOf(const ModelConfig& config) {
  const bool v2 = config.family == ModelFamily::kV2;
  const bool normalise = config.norm_topk_prob && !(v2 && config.experts_per_token == 1);
  return {.num_experts = config.num_experts,
          .per_row = config.experts_per_token,
          .normalise = normalise,
          .sum_epsilon = static_cast<float>(kSumEpsilon),
          .factor = v2 && normalise ? 1.0f : static_cast<float>(config.routed_scaling_factor)};
}

at::Tensor ChooseExperts(const ModelConfig& config, const at::Tensor& scores, const at::Tensor& gate_bias) {
  const at::NoGradGuard no_grad;
  at::Tensor choice = scores.detach();
  if (gate_bias.defined()) choice = choice + gate_bias;
  if (choice.is_cpu()) return ChooseOnCpu(config, choice.contiguous());
  if (Grouped(config)) choice = KeepBestGroups(config, choice);
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
