#include "policy/mla.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "policy/kernels/gather_pages.h"
#include "policy/kernels/linear.h"
#include "policy/kernels/mla_attention.h"
#include "policy/kernels/per_head_product.h"
#include "policy/kernels/rms_norm.h"

namespace plumb {
namespace {

// Published code uses this for the latents whatever rms_norm_eps says.
constexpr double kLatentNormEpsilon = 1e-6;

// [N, H, Dn + Dr]
at::Tensor Queries(const ModelConfig& config, const LayerWeights& layer, const at::Tensor& hidden) {
  at::Tensor queries;
  if (layer.q.defined()) {
    queries = Linear(hidden, layer.q);
  } else {
    const at::Tensor latent = RmsNorm(Linear(hidden, layer.q_a, layer.q_a_bias), layer.q_a_norm, kLatentNormEpsilon);
    queries = Linear(latent, layer.q_b);
  }
  return queries.view({hidden.size(0), config.num_heads, config.QkHeadDim()});
}

// [N, Rkv + Dr]: the normalised latent, then the rotated key that all heads share.
at::Tensor Latents(const ModelConfig& config, const LayerWeights& layer, const at::Tensor& hidden,
                   const RopeTable& rope) {
  const std::vector<at::Tensor> parts =
      Linear(hidden, layer.kv_a, layer.kv_a_bias).split_with_sizes({config.kv_lora_rank, config.qk_rope_head_dim}, 1);
  const at::Tensor latent = RmsNorm(parts[0], layer.kv_a_norm, kLatentNormEpsilon);
  const at::Tensor key = ApplyRope(parts[1].unsqueeze(1), rope).squeeze(1);
  return at::cat({latent, key}, 1);
}

at::Tensor WriteAndAttend(const at::Tensor& queries, const at::Tensor& latents, const at::Tensor& pages,
                          const ModelConfig& config, const AttentionPlan& plan) {
  WriteToPages(latents, plan.slots, pages);
  return MlaAttentionOverPages(queries, pages, plan, config.kv_lora_rank, SoftmaxScale(config));
}

}  // namespace

AttentionContext MakeAttentionContext(const ModelConfig& config, const PackedTokens& tokens, const KvView& view) {
  const at::NoGradGuard no_grad;
  AttentionContext context;
  context.plan = PlanAttention(tokens, view, config.num_heads);
  context.rope = MakeRopeTable(config.rope, config.qk_rope_head_dim, tokens.positions);
  context.cache = view.cache;
  return context;
}

at::Tensor MlaForward(const ModelConfig& config, const LayerWeights& layer, const at::Tensor& hidden,
                      int64_t layer_index, const AttentionContext& context) {
  const std::vector<at::Tensor> kv_b = layer.kv_b.view({config.num_heads, -1, config.kv_lora_rank})
                                           .split_with_sizes({config.qk_nope_head_dim, config.v_head_dim}, 1);
  const std::vector<at::Tensor> query_parts =
      Queries(config, layer, hidden).split_with_sizes({config.qk_nope_head_dim, config.qk_rope_head_dim}, 2);
  const at::Tensor queries = at::cat({PerHeadProduct(query_parts[0], kv_b[0]), ApplyRope(query_parts[1], context.rope)},
                                     2);  // [N, H, Rkv + Dr]
  const at::Tensor latents = Latents(config, layer, hidden, context.rope);
  const at::Tensor mixed =
      context.cache == nullptr
          ? MlaAttention(queries, latents, context.plan, config.kv_lora_rank, SoftmaxScale(config))
          : WriteAndAttend(queries, latents, context.cache->layer(layer_index), config, context.plan);
  const at::Tensor values = PerHeadProduct(mixed, kv_b[1].transpose(1, 2));  // [N, H, Dv]
  return Linear(values.reshape({hidden.size(0), config.num_heads * config.v_head_dim}), layer.o, layer.o_bias);
}

}  // namespace plumb
