#include "tools/bench/work_bounds.h"

#include <algorithm>
#include <cmath>

#include "policy/model_size.h"

namespace plumb::cli {
namespace {

double HeadParameters(const ModelConfig& config) {
  return static_cast<double>(config.vocab_size) * static_cast<double>(config.hidden_size);
}

// Parameters that every token multiplies with, but for the output head.
double ActiveParameters(const ModelConfig& config) {
  const double tables = config.tie_word_embeddings ? 1 : 2;
  return static_cast<double>(CountParameters(config).active) - tables * HeadParameters(config);
}

double ExpertParameters(const ModelConfig& config) {
  return 3.0 * static_cast<double>(config.hidden_size * config.moe_intermediate_size);
}

double MoeLayers(const ModelConfig& config) {
  double count = 0;
  for (int64_t layer = 0; layer < config.num_layers; ++layer) count += config.IsMoeLayer(layer) ? 1 : 0;
  return count;
}

// Weights that a forward of `tokens` tokens reads.
double WeightsRead(const ModelConfig& config, double tokens) {
  const double routed = DistinctExperts(config, tokens) - static_cast<double>(config.experts_per_token);
  return ActiveParameters(config) + HeadParameters(config) + MoeLayers(config) * routed * ExpertParameters(config);
}

// Operations of one token's attention to one position, in all layers: over the latents, or over full keys and values.
double LatentAttention(const ModelConfig& config) {
  return 2.0 * static_cast<double>(config.num_heads * (config.LatentWidth() + config.kv_lora_rank) * config.num_layers);
}
double PlainAttention(const ModelConfig& config) {
  return 2.0 * static_cast<double>(config.num_heads * (config.QkHeadDim() + config.v_head_dim) * config.num_layers);
}

}  // namespace

Work operator+(const Work& a, const Work& b) { return {a.bytes + b.bytes, a.flops + b.flops}; }

double DistinctExperts(const ModelConfig& config, double tokens) {
  if (config.num_experts == 0) return 0;
  const double experts = static_cast<double>(config.num_experts);
  return experts * (1 - std::pow(1 - static_cast<double>(config.experts_per_token) / experts, tokens));
}

Work DecodeWork(const ModelConfig& config, int64_t batch, double context, int64_t element_bytes) {
  const double rows = static_cast<double>(batch);
  const double cache = rows * context * static_cast<double>(CacheNumbersPerToken(config));
  const double per_token = 2 * (ActiveParameters(config) + HeadParameters(config)) + LatentAttention(config) * context;
  return {(WeightsRead(config, rows) + cache) * static_cast<double>(element_bytes), rows * per_token};
}

Work PrefillWork(const ModelConfig& config, int64_t batch, int64_t length, int64_t element_bytes) {
  const double rows = static_cast<double>(batch);
  const double tokens = rows * static_cast<double>(length);
  const double per_token = 2 * ActiveParameters(config) + PlainAttention(config) * static_cast<double>(length) / 2;
  return {WeightsRead(config, tokens) * static_cast<double>(element_bytes),
          tokens * per_token + rows * 2 * HeadParameters(config)};
}

Work TrainWork(const ModelConfig& config, int64_t tokens, int64_t length) {
  const double per_token = 6 * (ActiveParameters(config) + HeadParameters(config)) +
                           3 * PlainAttention(config) * static_cast<double>(length) / 2;
  return {0, static_cast<double>(tokens) * per_token};
}

double LeastSeconds(const Work& work, double bytes_per_second, double flops_per_second) {
  return std::max(work.bytes / bytes_per_second, work.flops / flops_per_second);
}

}  // namespace plumb::cli
