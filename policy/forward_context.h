#ifndef PLUMB_POLICY_FORWARD_CONTEXT_H_
#define PLUMB_POLICY_FORWARD_CONTEXT_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "dist/parallel_groups.h"

namespace plumb {

// Experts chosen in a forward, per MoE layer: [N, K] int64, ascending in each row, and their weights [N, K] float32.
struct RouterRecord {
  std::vector<at::Tensor> logits;   // [N, E] float32 of each MoE layer
  std::vector<at::Tensor> experts;  // [N, K] int64 of each MoE layer
  std::vector<at::Tensor> weights;  // [N, K] float32 of each MoE layer
};

class Workspace;

// What a forward runs with, besides weights and tokens. One process and one device fill it trivially.
struct ForwardContext {
  at::Device device = at::kCPU;
  ParallelGroups groups;
  // Memory that is kept from forward to forward, of this model; null: none is kept. For forwards on the CPU without
  // gradients.
  Workspace* workspace = nullptr;
  // Filled where not null.
  RouterRecord* router_record = nullptr;
  // Experts to use in place of the router's own choice, one [N, K] per MoE layer; weights come from the live scores.
  const std::vector<at::Tensor>* router_replay = nullptr;
  // Called with the hidden states [N, D]: 0 = embeddings, k = output of layer k - 1, layers + 1 = after the last norm.
  std::function<void(int64_t index, const at::Tensor& hidden)> hidden_probe;
};

}  // namespace plumb

#endif  // PLUMB_POLICY_FORWARD_CONTEXT_H_
