#ifndef PLUMB_POLICY_MLP_H_
#define PLUMB_POLICY_MLP_H_

#include <ATen/core/Tensor.h>

#include "policy/forward_context.h"
#include "policy/weights.h"

namespace plumb {

// The feed-forward half of a layer: a dense SwiGLU, or DeepSeekMoE: the routed experts' sum, cast, plus the shared
// experts. Appends to the context's router record where there is one.
// Source: arXiv:2401.06066.
//
//   hidden     [N, D], normalised
//   moe_index  number of MoE layers before this one; picks the layer's entry of the router replay
//   returns    [N, D]
at::Tensor MlpForward(const ModelConfig& config, const LayerWeights& layer, const at::Tensor& hidden, int64_t moe_index,
                      const ForwardContext& context);

}  // namespace plumb

#endif  // PLUMB_POLICY_MLP_H_
