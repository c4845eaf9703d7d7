#ifndef PLUMB_POLICY_TENSOR_OPS_H_
#define PLUMB_POLICY_TENSOR_OPS_H_

#include <ATen/core/Tensor.h>

#include "policy/forward_context.h"
#include "policy/kernels/attention_plan.h"
#include "policy/kernels/rope.h"
#include "policy/kernels/router.h"
#include "policy/packed_tokens.h"
#include "policy/weights.h"

namespace plumb {

// What a forward's attention layers share.
struct AttentionContext {
  AttentionPlan plan;
  RopeTable rope;
  LatentCache* cache = nullptr;  // null: the batch's own latents
};

AttentionContext MakeAttentionContext(const ModelConfig& config, const PackedTokens& tokens, const KvView& view);

// The operations that a forward is made of (policy/mla.h, policy/mlp.h, policy/policy.cc), on tensors: for training,
// for every device, and for what looks into a forward. policy/workspace_ops.h has the same operations for the CPU
// without gradients; both give the same bits. The order of a layer's operations is written once, over either.
class TensorOps {
 public:
  using Array = at::Tensor;
  using Choice = Routing;

  // Keeps references to all of them.
  TensorOps(const ModelConfig& config, const PackedTokens& tokens, const AttentionContext& attention,
            const ForwardContext& context);

  //   embed    [V, D]
  //   returns  [N, D]
  at::Tensor Embed(const at::Tensor& embed) const;

  // Begins the layer that the next operations belong to.
  //   hidden  [N, D], what goes into it
  void BeginLayer(int64_t index, const at::Tensor& hidden);

  //   input    [N, width]
  //   weight   [out, width]
  //   bias     [out], or undefined
  //   returns  [N, out]
  at::Tensor Linear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias = {}) const;

  // silu(gate) * up of a product.
  //   input    [N, D]
  //   gate_up  [2 * I, D]
  //   returns  [N, I]
  at::Tensor GatedLinear(const at::Tensor& input, const at::Tensor& gate_up) const;

  //   input    [N, width]
  //   weight   [width]
  //   returns  [N, width]
  at::Tensor RmsNorm(const at::Tensor& input, const at::Tensor& weight, double epsilon) const;

  //   left     [N, D]
  //   right    [N, D]
  //   returns  [N, D]
  at::Tensor Add(const at::Tensor& left, const at::Tensor& right) const;

  // The normalised latent, then the rotated key that all heads share.
  //   latents  [N, Rkv + Dr]
  //   norm     [Rkv]
  //   returns  [N, Rkv + Dr]
  at::Tensor Latents(const at::Tensor& latents, const at::Tensor& norm) const;

  // Rotates the queries, brings them into the latent space, and the results out of it.
  //   queries  [N, H * (Dn + Dr)]
  //   latents  [N, Rkv + Dr]
  //   kv_b     [H * (Dn + Dv), Rkv]
  //   returns  [N, H * Dv]
  at::Tensor Attend(const at::Tensor& queries, const at::Tensor& latents, const at::Tensor& kv_b) const;

  // Fills the context's router record, where there is one.
  //   hidden     [N, D]
  //   gate       [E, D] float32
  //   gate_bias  [E] float32, or undefined
  Routing ChooseExperts(const at::Tensor& hidden, const at::Tensor& gate, const at::Tensor& gate_bias);

  //   hidden          [N, D]
  //   expert_gate_up  [E, 2 * I, D]
  //   expert_down     [E, D, I]
  //   returns         [N, D]
  at::Tensor Experts(const at::Tensor& hidden, const Routing& routing, const at::Tensor& expert_gate_up,
                     const at::Tensor& expert_down) const;

 private:
  const ModelConfig& config_;
  const PackedTokens& tokens_;
  const AttentionContext& attention_;
  const ForwardContext& context_;
  int64_t layer_ = 0;
  int64_t moe_layer_ = -1;  // number of MoE layers before this one
};

}  // namespace plumb

#endif  // PLUMB_POLICY_TENSOR_OPS_H_
