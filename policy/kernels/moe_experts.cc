#include "policy/kernels/moe_experts.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "policy/kernels/gather_rows.h"
#include "policy/kernels/linear.h"
#include "policy/kernels/swiglu.h"

namespace plumb {
namespace {

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
    if (counts[expert] > 0) outputs.push_back(Linear(inputs[expert], weights[expert]));
  }
  return at::cat(outputs, 0);
}

// [N, K, D], [N, K] -> [N, D], choices in order.
at::Tensor Combine(const at::Tensor& outputs, const at::Tensor& weights) {
  const std::vector<at::Tensor> by_choice = outputs.to(at::kFloat).unbind(1);
  const std::vector<at::Tensor> weight_of = weights.unsqueeze(-1).unbind(1);
  at::Tensor sum = by_choice[0] * weight_of[0];
  for (size_t choice = 1; choice < by_choice.size(); ++choice) sum = sum + by_choice[choice] * weight_of[choice];
  return sum.to(outputs.scalar_type());
}

}  // namespace

at::Tensor MoeExperts(const at::Tensor& hidden, const at::Tensor& experts, const at::Tensor& weights,
                      const at::Tensor& expert_gate_up, const at::Tensor& expert_down) {
  const Dispatch dispatch = SortByExpert(experts, expert_gate_up.size(0));
  const at::Tensor sorted = GatherRows(hidden, dispatch.tokens, dispatch.places);  // [N * K, D]
  const at::Tensor inner = Swiglu(GroupedLinear(sorted, expert_gate_up, dispatch.counts));
  const at::Tensor outputs = GroupedLinear(inner, expert_down, dispatch.counts);
  const at::Tensor back = GatherRows(outputs, dispatch.places.view({-1}), dispatch.order.unsqueeze(1));
  return Combine(back.view({hidden.size(0), experts.size(1), hidden.size(1)}), weights);
}

}  // namespace plumb
