#include "policy/kernels/moe_experts.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <numeric>

#include "policy/kernels/cpu/parallel.h"
#include "policy/kernels/cpu/row_functions.h"
#include "policy/kernels/custom_gradient.h"
#include "policy/kernels/gather_rows.h"
#include "policy/kernels/linear.h"
#include "policy/kernels/matrix_product.h"
#include "policy/kernels/swiglu.h"
#include "policy/kernels/weight_gradient.h"

namespace plumb {
namespace {

constexpr int64_t kElementsPerTask = 1 << 14;

// Where each (token, choice) goes when they are sorted by expert.
struct Dispatch {
  at::Tensor order;             // [N * K] int64, choice (token * K + k) of each sorted place
  at::Tensor tokens;            // [N * K] int64, token of each sorted place
  at::Tensor places;            // [N, K] int64, sorted place of each choice
  std::vector<int64_t> counts;  // [E] places of each expert
};

Dispatch SortByExpert(const at::Tensor& experts, int64_t num_experts) {
  const at::NoGradGuard no_grad;
  const at::Tensor flat = experts.reshape({-1});
  Dispatch dispatch;
  dispatch.order = std::get<1>(at::sort(flat, /*stable=*/true, /*dim=*/0, /*descending=*/false));
  dispatch.tokens = dispatch.order.div(experts.size(1), "floor");
  const at::Tensor places = at::arange(flat.size(0), flat.options());
  dispatch.places = at::empty_like(places).scatter_(0, dispatch.order, places).view(experts.sizes());
  const at::Tensor counts = at::bincount(flat, {}, num_experts).cpu();
  dispatch.counts.assign(counts.const_data_ptr<int64_t>(), counts.const_data_ptr<int64_t>() + num_experts);
  return dispatch;
}

// Each expert's matrix over its own rows of `input`.
at::Tensor GroupedLinear(const at::Tensor& input, const at::Tensor& matrices, const std::vector<int64_t>& counts) {
  // One split and one unbind: their gradients are one concatenation each, not a padded sum per expert.
  const std::vector<at::Tensor> inputs = input.split_with_sizes(counts, 0);
  const std::vector<at::Tensor> weights = matrices.unbind(0);
  std::vector<at::Tensor> outputs;
  for (size_t expert = 0; expert < counts.size(); ++expert) {
    if (counts[expert] > 0) outputs.push_back(LinearReference(inputs[expert], weights[expert]));
  }
  return at::cat(outputs, 0);
}

// [N, K, D], [N, K] -> [N, D], choices in order.
at::Tensor CombineReference(const at::Tensor& outputs, const at::Tensor& weights) {
  const std::vector<at::Tensor> by_choice = outputs.to(at::kFloat).unbind(1);
  const std::vector<at::Tensor> weight_of = weights.unsqueeze(-1).unbind(1);
  at::Tensor sum = by_choice[0] * weight_of[0];
  for (size_t choice = 1; choice < by_choice.size(); ++choice) sum = sum + by_choice[choice] * weight_of[choice];
  return sum.to(outputs.scalar_type());
}

// The same on the CPU, by counting: rows in the order of experts, then tokens.
struct CpuDispatch {
  ExpertStarts starts;  // [E + 1]
  at::Tensor tokens;    // [L] int64, token of each sorted place
  at::Tensor places;    // [N, K] int64, sorted place of each choice
};

CpuDispatch CountByExpert(const at::Tensor& experts, int64_t num_experts) {
  const at::Tensor flat = experts.contiguous();
  const int64_t* expert = flat.const_data_ptr<int64_t>();
  CpuDispatch dispatch = {ExpertStarts(num_experts + 1), at::empty({flat.numel()}, flat.options()),
                          at::empty(flat.sizes(), flat.options())};
  for (int64_t i = 0; i < flat.numel(); ++i) ++dispatch.starts[expert[i] + 1];
  std::partial_sum(dispatch.starts.begin(), dispatch.starts.end(), dispatch.starts.begin());
  std::vector<int64_t> next = dispatch.starts;
  int64_t* token = dispatch.tokens.mutable_data_ptr<int64_t>();
  int64_t* place = dispatch.places.mutable_data_ptr<int64_t>();
  for (int64_t i = 0; i < flat.numel(); ++i) {
    place[i] = next[expert[i]]++;
    token[place[i]] = i / flat.size(1);
  }
  return dispatch;
}

// [N, D] in the type of the outputs [L, D].
at::Tensor Combine(const at::Tensor& outputs, const at::Tensor& places, const at::Tensor& weights) {
  const at::Tensor y = at::empty({places.size(0), outputs.size(1)}, outputs.options());
  const cpu::CombineRows rows = {.outputs = outputs.const_data_ptr(),
                                 .places = places.const_data_ptr<int64_t>(),
                                 .weights = weights.const_data_ptr<float>(),
                                 .y = y.mutable_data_ptr(),
                                 .width = outputs.size(1),
                                 .per_row = places.size(1),
                                 .type = KernelType(outputs.scalar_type())};
  const int64_t rows_per_task = std::max<int64_t>(1, kElementsPerTask / (outputs.size(1) * places.size(1)));
  cpu::ParallelRanges(places.size(0), rows_per_task,
                      [&](int64_t begin, int64_t end) { cpu::ActiveRowFunctions().combine(rows, begin, end); });
  return y;
}

// What the gradient needs of a forward.
struct MoeForward {
  CpuDispatch dispatch;
  at::Tensor hidden;          // [N, D]
  at::Tensor weights;         // [N, K] float32
  at::Tensor gate_up;         // [L, 2 * I]
  at::Tensor inner;           // [L, I]
  at::Tensor outputs;         // [L, D]
  at::Tensor expert_gate_up;  // as they came
  at::Tensor expert_down;
};

// Of the experts' outputs [L, D] and the weights [N, K], from that of the result [N, D]; all float32.
std::pair<at::Tensor, at::Tensor> CombineGradients(const MoeForward& forward, const at::Tensor& gradient) {
  const int64_t width = gradient.size(1), per_row = forward.weights.size(1);
  const at::Tensor d_outputs = at::empty(forward.outputs.sizes(), gradient.options());
  const at::Tensor d_weights = at::empty(forward.weights.sizes(), gradient.options());
  const cpu::CombineGradientRows rows = {.gradient = gradient.const_data_ptr<float>(),
                                         .outputs = forward.outputs.const_data_ptr(),
                                         .places = forward.dispatch.places.const_data_ptr<int64_t>(),
                                         .weights = forward.weights.const_data_ptr<float>(),
                                         .d_outputs = d_outputs.mutable_data_ptr<float>(),
                                         .d_weights = d_weights.mutable_data_ptr<float>(),
                                         .width = width,
                                         .per_row = per_row,
                                         .type = KernelType(forward.outputs.scalar_type())};
  cpu::ParallelRanges(
      gradient.size(0), std::max<int64_t>(1, kElementsPerTask / (width * per_row)),
      [&](int64_t begin, int64_t end) { cpu::ActiveRowFunctions().combine_gradient(rows, begin, end); });
  return {d_outputs, d_weights};
}

// Of hidden, weights, expert_gate_up and expert_down. Every expert's part is one task among those of a single call.
std::vector<at::Tensor> MoeGradients(const MoeForward& forward, const at::Tensor& gradient) {
  const CpuDispatch& dispatch = forward.dispatch;
  const auto [d_outputs, d_weights] = CombineGradients(forward, gradient.to(at::kFloat).contiguous());
  const at::Tensor d_inner = ExpertsTimes(d_outputs, forward.expert_down, dispatch.starts);
  const at::Tensor d_gate_up = SwigluGradient(d_inner, forward.gate_up);
  const at::Tensor d_sorted = ExpertsTimes(d_gate_up, forward.expert_gate_up, dispatch.starts);
  const at::Tensor sorted = GatherRows(forward.hidden, dispatch.tokens);
  const at::ScalarType type = forward.hidden.scalar_type();
  return {Combine(d_sorted, dispatch.places, at::ones_like(forward.weights)).to(type), d_weights,
          ExpertWeightGradient(forward.expert_gate_up, d_gate_up, sorted, dispatch.starts),
          ExpertWeightGradient(forward.expert_down, d_outputs, forward.inner, dispatch.starts)};
}

at::Tensor MoeExpertsOnCpu(const at::Tensor& hidden, const at::Tensor& experts, const at::Tensor& weights,
                           const at::Tensor& expert_gate_up, const at::Tensor& expert_down) {
  MoeForward forward = {.dispatch = CountByExpert(experts, expert_gate_up.size(0)),
                        .hidden = hidden.detach(),
                        .weights = weights.detach().contiguous(),
                        .expert_gate_up = expert_gate_up,
                        .expert_down = expert_down};
  const ExpertStarts& starts = forward.dispatch.starts;
  const at::ScalarType type = hidden.scalar_type();
  const at::Tensor sorted = GatherRows(forward.hidden, forward.dispatch.tokens);  // [L, D]
  forward.gate_up = ExpertsTimesTransposed(sorted, forward.expert_gate_up, starts, type);
  forward.inner = Swiglu(forward.gate_up);
  forward.outputs = ExpertsTimesTransposed(forward.inner, forward.expert_down, starts, type);
  const at::Tensor output = Combine(forward.outputs, forward.dispatch.places, forward.weights);
  return WithGradient(
      output, {hidden, weights, expert_gate_up, expert_down},
      [forward = std::move(forward)](const at::Tensor& gradient) { return MoeGradients(forward, gradient); });
}

}  // namespace

at::Tensor MoeExpertsReference(const at::Tensor& hidden, const at::Tensor& experts, const at::Tensor& weights,
                               const at::Tensor& expert_gate_up, const at::Tensor& expert_down) {
  const Dispatch dispatch = SortByExpert(experts, expert_gate_up.size(0));
  const at::Tensor sorted = GatherRows(hidden, dispatch.tokens, dispatch.places);  // [N * K, D]
  const at::Tensor inner = SwigluReference(GroupedLinear(sorted, expert_gate_up, dispatch.counts));
  const at::Tensor outputs = GroupedLinear(inner, expert_down, dispatch.counts);
  const at::Tensor back = GatherRows(outputs, dispatch.places.view({-1}), dispatch.order.unsqueeze(1));
  return CombineReference(back.view({hidden.size(0), experts.size(1), hidden.size(1)}), weights);
}

at::Tensor MoeExperts(const at::Tensor& hidden, const at::Tensor& experts, const at::Tensor& weights,
                      const at::Tensor& expert_gate_up, const at::Tensor& expert_down) {
  const bool kernel = CpuProductTakes(expert_gate_up) && CpuProductTakes(expert_down) &&
                      hidden.scalar_type() == expert_gate_up.scalar_type() && hidden.size(0) > 0;
  if (!kernel) return MoeExpertsReference(hidden, experts, weights, expert_gate_up, expert_down);
  return MoeExpertsOnCpu(hidden, experts, weights, expert_gate_up, expert_down);
}

}  // namespace plumb
