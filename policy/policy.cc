#include "policy/policy.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "absl/strings/str_cat.h"
#include "policy/kernels/linear.h"
#include "policy/kernels/rms_norm.h"
#include "policy/kernels/token_logprobs.h"
#include "policy/mla.h"
#include "policy/mlp.h"

namespace plumb {
namespace {

void Probe(const ForwardContext& context, int64_t index, const at::Tensor& hidden) {
  if (context.hidden_probe) context.hidden_probe(index, hidden);
}

std::string PlaceOf(int64_t probe_index, int64_t num_layers) {
  if (probe_index == 0) return "the embeddings";
  if (probe_index == num_layers + 1) return "the last norm";
  return absl::StrCat("layer ", probe_index - 1);
}

}  // namespace

at::Tensor Forward(const PolicyWeights& weights, const PackedTokens& tokens, const KvView& view,
                   const ForwardContext& context) {
  const ModelConfig& config = weights.config;
  const AttentionContext attention = MakeAttentionContext(config, tokens, view);
  at::Tensor hidden = at::embedding(weights.embed, tokens.ids);  // [N, D]
  Probe(context, 0, hidden);
  int64_t moe_index = 0;
  for (int64_t index = 0; index < config.num_layers; ++index) {
    const LayerWeights& layer = weights.layers[index];
    hidden =
        hidden + MlaForward(config, layer, RmsNorm(hidden, layer.input_norm, config.rms_norm_eps), index, attention);
    const at::Tensor normal = RmsNorm(hidden, layer.post_attention_norm, config.rms_norm_eps);
    hidden = hidden + MlpForward(config, layer, normal, moe_index, context);
    if (config.IsMoeLayer(index)) ++moe_index;
    Probe(context, index + 1, hidden);
  }
  hidden = RmsNorm(hidden, weights.final_norm, config.rms_norm_eps);
  Probe(context, config.num_layers + 1, hidden);
  return hidden;
}

at::Tensor Logits(const PolicyWeights& weights, const at::Tensor& hidden) {
  return LinearToFloat(hidden, weights.lm_head);
}

TokenScores ScoreTokens(const PolicyWeights& weights, const at::Tensor& hidden, const at::Tensor& targets,
                        double temperature, int64_t num_ids) {
  const bool whole = num_ids <= 0 || num_ids >= weights.lm_head.size(0);
  const at::Tensor head = whole ? weights.lm_head : weights.lm_head.narrow(0, 0, num_ids);  // [ids, D]
  const TokenLogprobs scores = ComputeTokenLogprobs(hidden, head, targets, temperature);
  return {scores.logprobs, scores.entropy};
}

std::optional<std::string> FindNonFinite(const PolicyWeights& weights, const PackedTokens& tokens, const KvView& view,
                                         const ForwardContext& context) {
  const at::NoGradGuard no_grad;
  std::optional<std::string> place;
  ForwardContext probing = context;
  probing.router_record = nullptr;
  probing.hidden_probe = [&](int64_t index, const at::Tensor& hidden) {
    if (!place.has_value() && !at::isfinite(hidden).all().item<bool>()) {
      place = PlaceOf(index, weights.config.num_layers);
    }
  };
  Forward(weights, tokens, view, probing);
  return place;
}

}  // namespace plumb
