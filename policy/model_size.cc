#include "policy/model_size.h"

namespace plumb {
namespace {

int64_t AttentionParameters(const ModelConfig& config) {
  const int64_t queries = config.num_heads * config.QkHeadDim();
  const int64_t outputs = config.num_heads * config.v_head_dim;
  int64_t count = config.hidden_size * (config.LatentWidth() + outputs) + config.kv_lora_rank +
                  config.num_heads * (config.qk_nope_head_dim + config.v_head_dim) * config.kv_lora_rank;
  if (config.q_lora_rank == 0) {
    count += queries * config.hidden_size;
  } else {
    count += config.q_lora_rank * (config.hidden_size + 1 + queries);
  }
  if (config.attention_bias) count += config.q_lora_rank + config.LatentWidth() + config.hidden_size;
  return count;
}

// Of a layer with `num_experts` routed experts read; the router is whole.
int64_t MlpParameters(const ModelConfig& config, int64_t layer, int64_t num_experts) {
  const int64_t per_unit = 3 * config.hidden_size;
  if (!config.IsMoeLayer(layer)) return per_unit * config.intermediate_size;
  const int64_t bias = config.gate_selection == GateSelection::kNoAuxTc ? config.num_experts : 0;
  return per_unit * config.moe_intermediate_size * (num_experts + config.num_shared_experts) +
         config.num_experts * config.hidden_size + bias;
}

int64_t LayerParameters(const ModelConfig& config, int64_t layer, int64_t num_experts) {
  return AttentionParameters(config) + MlpParameters(config, layer, num_experts) + 2 * config.hidden_size;
}

int64_t TrunkParameters(const ModelConfig& config, int64_t num_experts) {
  int64_t count = config.vocab_size * config.hidden_size * (config.tie_word_embeddings ? 1 : 2) + config.hidden_size;
  for (int64_t layer = 0; layer < config.num_layers; ++layer) count += LayerParameters(config, layer, num_experts);
  return count;
}

}  // namespace

ParameterCounts CountParameters(const ModelConfig& config) {
  ParameterCounts counts;
  counts.total = TrunkParameters(config, config.num_experts);
  counts.active = TrunkParameters(config, config.experts_per_token);
  for (int64_t k = 0; k < config.num_mtp_layers; ++k) {
    // enorm, hnorm and shared_head.norm; eh_proj is [D, 2 D].
    const int64_t own = config.hidden_size * (3 + 2 * config.hidden_size);
    counts.mtp += LayerParameters(config, config.num_layers + k, config.num_experts) + own;
  }
  return counts;
}

int64_t NumParameters(const ModelConfig& config) { return TrunkParameters(config, config.num_experts); }

int64_t CacheNumbersPerToken(const ModelConfig& config) { return config.num_layers * config.LatentWidth(); }

int64_t PlainCacheNumbersPerToken(const ModelConfig& config) {
  return config.num_layers * config.num_heads * (config.QkHeadDim() + config.v_head_dim);
}

}  // namespace plumb
