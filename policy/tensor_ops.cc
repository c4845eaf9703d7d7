#include "policy/tensor_ops.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "base/check.h"
#include "policy/kernels/embedding.h"
#include "policy/kernels/gather_pages.h"
#include "policy/kernels/linear.h"
#include "policy/kernels/mla_attention.h"
#include "policy/kernels/mla_heads.h"
#include "policy/kernels/moe_experts.h"
#include "policy/kernels/rms_norm.h"
#include "policy/kernels/swiglu.h"
#include "policy/mla.h"

namespace plumb {
AttentionContext MakeAttentionContext(const ModelConfig& config, const PackedTokens& tokens, const KvView& view) {
  const at::NoGradGuard no_grad;
  AttentionContext context;
  context.plan = PlanAttention(tokens, view, config.num_heads);
  context.rope = MakeRopeTable(config.rope, config.qk_rope_head_dim, tokens.positions);
  context.cache = view.cache;
  return context;
}

TensorOps::TensorOps(const ModelConfig& config, const PackedTokens& tokens, const AttentionContext& attention,
                     const ForwardContext& context)
    : config_(config), tokens_(tokens), attention_(attention), context_(context) {}

at::Tensor TensorOps::Embed(const at::Tensor& embed) const { return Embedding(embed, tokens_.ids); }

void TensorOps::BeginLayer(int64_t index, const at::Tensor& hidden) {
  layer_ = index;
  if (context_.hidden_probe) context_.hidden_probe(index, hidden);
}

at::Tensor TensorOps::Linear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias) const {
  return plumb::Linear(input, weight, bias);
}

at::Tensor TensorOps::GatedLinear(const at::Tensor& input, const at::Tensor& gate_up) const {
  return Swiglu(plumb::Linear(input, gate_up));
}

at::Tensor TensorOps::RmsNorm(const at::Tensor& input, const at::Tensor& weight, double epsilon) const {
  return plumb::RmsNorm(input, weight, epsilon);
}

at::Tensor TensorOps::Add(const at::Tensor& left, const at::Tensor& right) const { return left + right; }

at::Tensor TensorOps::Latents(const at::Tensor& latents, const at::Tensor& norm) const {
  const std::vector<at::Tensor> parts = latents.split_with_sizes({config_.kv_lora_rank, config_.qk_rope_head_dim}, 1);
  const at::Tensor key = ApplyRope(parts[1].unsqueeze(1), attention_.rope).squeeze(1);
  return at::cat({RmsNorm(parts[0], norm, kLatentNormEpsilon), key}, 1);
}

at::Tensor TensorOps::Attend(const at::Tensor& queries, const at::Tensor& latents, const at::Tensor& kv_b) const {
  const double scale = SoftmaxScale(config_);
  const std::vector<at::Tensor> parts = queries.view({queries.size(0), config_.num_heads, config_.QkHeadDim()})
                                            .split_with_sizes({config_.qk_nope_head_dim, config_.qk_rope_head_dim}, 2);
  const at::Tensor rotated = at::cat({parts[0], ApplyRope(parts[1], attention_.rope)}, 2);
  if (attention_.cache == nullptr) return MlaHeads(rotated, latents, kv_b, attention_.plan, scale).flatten(1);
  const at::Tensor pages = attention_.cache->layer(layer_);
  WriteToPages(latents, attention_.plan.slots, pages);
  const at::Tensor in_latent_space = LatentQueries(rotated, kv_b, config_.qk_rope_head_dim);
  const at::Tensor mixed =
      MlaAttentionOverPages(in_latent_space, pages, attention_.plan, config_.kv_lora_rank, scale);  // [N, H, Rkv]
  return HeadValues(mixed, kv_b, config_.v_head_dim).flatten(1);
}

Routing TensorOps::ChooseExperts(const at::Tensor& hidden, const at::Tensor& gate, const at::Tensor& gate_bias) {
  ++moe_layer_;
  if (context_.router_replay != nullptr) {
    PLUMB_CHECK(moe_layer_ < static_cast<int64_t>(context_.router_replay->size()))
        << "router replay has " << context_.router_replay->size() << " layers";
  }
  const Routing routing = context_.router_replay == nullptr
                              ? Route(config_, hidden, gate, gate_bias)
                              : RouteTo(config_, hidden, gate, (*context_.router_replay)[moe_layer_]);
  if (context_.router_record != nullptr) {
    context_.router_record->logits.push_back(routing.logits.detach());
    context_.router_record->experts.push_back(routing.experts);
    context_.router_record->weights.push_back(routing.weights.detach());
  }
  return routing;
}

at::Tensor TensorOps::Experts(const at::Tensor& hidden, const Routing& routing, const at::Tensor& expert_gate_up,
                              const at::Tensor& expert_down) const {
  return MoeExperts(hidden, routing.experts, routing.weights, expert_gate_up, expert_down);
}

}  // namespace plumb
