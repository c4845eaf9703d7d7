#ifndef PLUMB_POLICY_KERNELS_MOE_EXPERTS_H_
#define PLUMB_POLICY_KERNELS_MOE_EXPERTS_H_

#include <ATen/core/Tensor.h>

namespace plumb {

// The routed experts: out[n] = sum over k of weights[n, k] * expert(experts[n, k])(hidden[n]). Tokens are sorted by
// expert, each expert runs once over its tokens; outputs are rounded to the type of `hidden`, brought back and added in
// float32 in ascending order of the expert, then cast.
//
//   hidden          [N, D]
//   experts         [N, K] int64, ascending in each row
//   weights         [N, K] float32
//   expert_gate_up  [E, 2 * I, D]
//   expert_down     [E, D, I]
//   returns         [N, D]
at::Tensor MoeExperts(const at::Tensor& hidden, const at::Tensor& experts, const at::Tensor& weights,
                      const at::Tensor& expert_gate_up, const at::Tensor& expert_down);

// The plain ATen form, one product per expert; kernels are compared with it.
at::Tensor MoeExpertsReference(const at::Tensor& hidden, const at::Tensor& experts, const at::Tensor& weights,
                               const at::Tensor& expert_gate_up, const at::Tensor& expert_down);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_MOE_EXPERTS_H_
