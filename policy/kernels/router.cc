#include "policy/kernels/router.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/types/span.h"
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

// Marks in `taken` the `count` largest of `values` among the entries that are not taken; the lower index wins a tie,
// and a number before what is none.
void TakeLargest(absl::Span<const float> values, int64_t count, std::vector<bool>& taken) {
  for (int64_t k = 0; k < count; ++k) {
    int64_t best = -1;
    for (int64_t i = 0; i < static_cast<int64_t>(values.size()); ++i) {
      if (!taken[i] && (best < 0 || values[i] > values[best] || std::isnan(values[best]))) best = i;
    }
    taken[best] = true;
  }
}

// What a group of experts is ranked by: its best, or the sum of its two best.
float GroupScore(absl::Span<const float> scores, bool two_best) {
  float best = -std::numeric_limits<float>::infinity();
  float second = best;
  for (const float score : scores) {
    second = std::max(second, std::min(best, score));
    best = std::max(best, score);
  }
  return two_best ? best + second : best;
}

// Marks the experts outside of the best groups.
void ShutGroups(const ModelConfig& config, absl::Span<const float> scores, std::vector<bool>& shut) {
  const size_t width = scores.size() / config.num_groups;
  std::vector<float> group_scores;
  for (int64_t group = 0; group < config.num_groups; ++group) {
    group_scores.push_back(
        GroupScore(scores.subspan(group * width, width), config.gate_selection == GateSelection::kNoAuxTc));
  }
  std::vector<bool> kept(config.num_groups);
  TakeLargest(group_scores, config.groups_per_token, kept);
  for (size_t i = 0; i < scores.size(); ++i) shut[i] = !kept[i / width];
}

// [N, K], row by row.
at::Tensor ChooseOnCpu(const ModelConfig& config, const at::Tensor& scores) {
  const int64_t width = scores.size(1);
  const at::Tensor experts = at::empty({scores.size(0), config.experts_per_token}, scores.options().dtype(at::kLong));
  const float* score = scores.const_data_ptr<float>();
  int64_t* expert = experts.mutable_data_ptr<int64_t>();
  const bool grouped = config.gate_selection != GateSelection::kGreedy && config.num_groups > 1;
  cpu::ParallelRanges(scores.size(0), kRowsPerTask, [&](int64_t begin, int64_t end) {
    std::vector<bool> shut(width);
    std::vector<bool> taken(width);
    for (int64_t n = begin; n < end; ++n) {
      const absl::Span<const float> row(score + n * width, width);
      std::fill(shut.begin(), shut.end(), false);
      if (grouped) ShutGroups(config, row, shut);
      taken = shut;
      TakeLargest(row, config.experts_per_token, taken);
      int64_t* to = expert + n * config.experts_per_token;
      for (int64_t i = 0; i < width; ++i) {
        if (taken[i] && !shut[i]) *to++ = i;
      }
    }
  });
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
  const bool v2 = config.family == ModelFamily::kV2;
  const bool normalise = config.norm_topk_prob && !(v2 && config.experts_per_token == 1);
  if (!normalise) return weights * config.routed_scaling_factor;
  const at::Tensor normalised = weights / (RowSums(weights) + kSumEpsilon);
  return v2 ? normalised : normalised * config.routed_scaling_factor;
}

at::Tensor RouterLogits(const at::Tensor& hidden, const at::Tensor& gate) {
  return LinearToFloat(hidden.to(at::kFloat), gate);
}

}  // namespace

at::Tensor ChooseExperts(const ModelConfig& config, const at::Tensor& scores, const at::Tensor& gate_bias) {
  const at::NoGradGuard no_grad;
  at::Tensor choice = scores.detach();
  if (gate_bias.defined()) choice = choice + gate_bias;
  if (choice.is_cpu()) return ChooseOnCpu(config, choice.contiguous());
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
