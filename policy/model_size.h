#ifndef PLUMB_POLICY_MODEL_SIZE_H_
#define PLUMB_POLICY_MODEL_SIZE_H_

#include <cstdint>

#include "policy/model_config.h"

// Sizes of a model from its shapes alone.
namespace plumb {

struct ParameterCounts {
  int64_t total = 0;   // the model that predicts the next token
  int64_t active = 0;  // of these, what one token's forward reads: K of E experts, embedding and head counted whole
  // Layers for multi-token prediction, besides; their copies of the embedding and the head are not counted.
  int64_t mtp = 0;
};
ParameterCounts CountParameters(const ModelConfig& config);

// CountParameters().total.
int64_t NumParameters(const ModelConfig& config);

// Numbers that the cache keeps for each token: a latent of Rkv + Dr in each layer.
int64_t CacheNumbersPerToken(const ModelConfig& config);
// What plain multi-head attention with the same heads would keep: all keys and values, H * (Dn + Dr + Dv) in each
// layer.
int64_t PlainCacheNumbersPerToken(const ModelConfig& config);

}  // namespace plumb

#endif  // PLUMB_POLICY_MODEL_SIZE_H_
