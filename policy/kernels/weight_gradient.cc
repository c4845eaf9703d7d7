#include "policy/kernels/weight_gradient.h"

#include <ATen/ATen.h>

namespace plumb {

at::Tensor HeldGradient(const at::Tensor& parameter) {
  if (!parameter.is_leaf() || !parameter.requires_grad()) return {};
  const at::Tensor& held = parameter.grad();
  const bool takes = held.defined() && held.is_cpu() && held.scalar_type() == at::kFloat && held.is_contiguous();
  return takes ? held.detach() : at::Tensor();
}

at::Tensor WeightGradient(const at::Tensor& w, const at::Tensor& g, const at::Tensor& x) {
  if (!w.requires_grad()) return {};
  const at::Tensor held = HeldGradient(w);
  if (!held.defined()) return TransposedTimes(g, x).to(w.scalar_type());
  AddTransposedTimes(g, x, {0, x.size(0)}, held.unsqueeze(0));
  return {};
}

at::Tensor ExpertWeightGradient(const at::Tensor& w, const at::Tensor& g, const at::Tensor& x,
                                const ExpertStarts& starts) {
  if (!w.requires_grad()) return {};
  const at::Tensor held = HeldGradient(w);
  if (!held.defined()) return ExpertsTransposedTimes(g, x, starts).to(w.scalar_type());
  AddTransposedTimes(g, x, starts, held);
  return {};
}

}  // namespace plumb
