#ifndef PLUMB_POLICY_MLP_H_
#define PLUMB_POLICY_MLP_H_

#include "policy/weights.h"

namespace plumb {

//   hidden   [N, D], normalised
//   gate_up  [2 * I, D]
//   down     [D, I]
//   returns  [N, D]
template <typename Ops>
typename Ops::Array DenseMlp(Ops& ops, const typename Ops::Array& hidden, const at::Tensor& gate_up,
                             const at::Tensor& down) {
  return ops.Linear(ops.GatedLinear(hidden, gate_up), down);
}

// The feed-forward half of a layer: a dense SwiGLU, or DeepSeekMoE: the routed experts' sum, cast, plus the shared
// experts. Over one of the two kinds of Ops (policy/tensor_ops.h).
// Source: arXiv:2401.06066.
//
//   hidden   [N, D], normalised
//   returns  [N, D]
template <typename Ops>
typename Ops::Array MlpForward(Ops& ops, const LayerWeights& layer, const typename Ops::Array& hidden) {
  using Array = typename Ops::Array;
  if (!layer.gate.defined()) return DenseMlp(ops, hidden, layer.gate_up, layer.down);
  const typename Ops::Choice choice = ops.ChooseExperts(hidden, layer.gate, layer.gate_bias);
  const Array routed = ops.Experts(hidden, choice, layer.expert_gate_up, layer.expert_down);
  if (!layer.shared_gate_up.defined()) return routed;
  return ops.Add(routed, DenseMlp(ops, hidden, layer.shared_gate_up, layer.shared_down));
}

}  // namespace plumb

#endif  // PLUMB_POLICY_MLP_H_
