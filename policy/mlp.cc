#include "policy/mlp.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "policy/kernels/linear.h"
#include "policy/kernels/moe_experts.h"
#include "policy/kernels/router.h"
#include "policy/kernels/swiglu.h"

namespace plumb {
namespace {

at::Tensor DenseMlp(const at::Tensor& hidden, const at::Tensor& gate_up, const at::Tensor& down) {
  return Linear(Swiglu(Linear(hidden, gate_up)), down);
}

Routing RouteLayer(const ModelConfig& config, const LayerWeights& layer, const at::Tensor& hidden, int64_t moe_index,
                   const ForwardContext& context) {
  if (context.router_replay == nullptr) return Route(config, hidden, layer.gate, layer.gate_bias);
  PLUMB_CHECK(moe_index < static_cast<int64_t>(context.router_replay->size()))
      << "router replay has " << context.router_replay->size() << " layers";
  return RouteTo(config, hidden, layer.gate, (*context.router_replay)[moe_index]);
}

}  // namespace

at::Tensor MlpForward(const ModelConfig& config, const LayerWeights& layer, const at::Tensor& hidden, int64_t moe_index,
                      const ForwardContext& context) {
  if (!layer.gate.defined()) return DenseMlp(hidden, layer.gate_up, layer.down);
  const Routing routing = RouteLayer(config, layer, hidden, moe_index, context);
  if (context.router_record != nullptr) {
    context.router_record->logits.push_back(routing.logits.detach());
    context.router_record->experts.push_back(routing.experts);
    context.router_record->weights.push_back(routing.weights.detach());
  }
  const at::Tensor routed =
      MoeExperts(hidden, routing.experts, routing.weights, layer.expert_gate_up, layer.expert_down);
  if (!layer.shared_gate_up.defined()) return routed;
  return routed + DenseMlp(hidden, layer.shared_gate_up, layer.shared_down);
}

}  // namespace plumb
