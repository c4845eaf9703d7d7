#ifndef PLUMB_POLICY_MLA_H_
#define PLUMB_POLICY_MLA_H_

#include <ATen/core/Tensor.h>

#include "policy/kernels/attention_plan.h"
#include "policy/kernels/rope.h"
#include "policy/weights.h"

namespace plumb {

// What a forward's attention layers share.
struct AttentionContext {
  AttentionPlan plan;
  RopeTable rope;
  LatentCache* cache = nullptr;  // null: the batch's own latents
};

AttentionContext MakeAttentionContext(const ModelConfig& config, const PackedTokens& tokens, const KvView& view);

// Multi-head latent attention in the absorbed form: each token has one latent of Rkv + Dr numbers (normalised, and
// rotated), which all heads read; queries are brought into the latent space by the key half of kv_b and results out of
// it by the value half. Prefill, decode and training run the same lines. With a cache the tokens' latents are written
// into their pages first. Source: arXiv:2405.04434, section 2.1.
//
//   hidden   [N, D], normalised
//   returns  [N, D]
at::Tensor MlaForward(const ModelConfig& config, const LayerWeights& layer, const at::Tensor& hidden,
                      int64_t layer_index, const AttentionContext& context);

}  // namespace plumb

#endif  // PLUMB_POLICY_MLA_H_
