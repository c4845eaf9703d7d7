#ifndef PLUMB_POLICY_KERNELS_ATTENTION_PLAN_H_
#define PLUMB_POLICY_KERNELS_ATTENTION_PLAN_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "policy/kernels/cpu/attention_units.h"
#include "policy/kernels/padded_attention.h"
#include "policy/kv_cache.h"
#include "policy/packed_tokens.h"

namespace plumb {

// One forward's attention work, made once and used by every layer.
struct AttentionPlan {
  int64_t num_tokens = 0;  // N
  bool cached = false;
  std::shared_ptr<const cpu::AttentionUnits> units;  // never null; cut into units on the CPU only
  PaddedAttention padded;                            // empty on the CPU
  at::Tensor slots;  // [N] int64, cache only: page * 64 + offset where each token's latent goes
};

// Without a cache every sequence has to start at position 0.
//   num_heads  H
AttentionPlan PlanAttention(const PackedTokens& tokens, const KvView& view, int64_t num_heads);

// The same on the CPU in memory of the caller's, which needs no more of it where it has been this large before.
//   slots  [N] where there is a cache, else empty
void PlanAttentionOnCpu(const PackedTokens& tokens, const KvView& view, int64_t num_heads, cpu::AttentionUnits& units,
                        std::vector<int64_t>& slots);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_ATTENTION_PLAN_H_
