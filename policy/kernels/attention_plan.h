#ifndef PLUMB_POLICY_KERNELS_ATTENTION_PLAN_H_
#define PLUMB_POLICY_KERNELS_ATTENTION_PLAN_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "policy/kv_cache.h"
#include "policy/packed_tokens.h"

namespace plumb {

// How many score elements (B * T * H * S) attention holds at a time.
inline constexpr int64_t kMaxScores = int64_t{1} << 24;

// Sequences of similar lengths, padded to one shape: B sequences, T queries, S keys each. Padding never reaches a real
// query: a query sees the keys up to its own position, which all belong to its sequence.
struct AttentionBatch {
  int64_t num_sequences = 0;  // B
  int64_t num_queries = 0;    // T
  int64_t num_keys = 0;       // S
  int64_t max_first = 0;      // largest position of a first query
  at::Tensor rows;            // [B * T] int64, packed token of each query, -1 is padding; undefined for a run
  int64_t first_row = 0;      // where `rows` is undefined: the tokens are first_row ... first_row + B * T - 1
  at::Tensor positions;       // [B, T] int32 of the queries, or [1, T] where all sequences have the same
  at::Tensor page_table;      // [B, P] int32, cache only
  at::Tensor lengths;         // [B] int32, cache only: keys of each sequence, this call's included
};

// One forward's attention work, made once and used by every layer.
struct AttentionPlan {
  int64_t num_tokens = 0;  // N
  bool cached = false;
  std::vector<AttentionBatch> batches;
  // [N] int64, place of each packed token in the batches' padded queries laid one after the other; undefined where the
  // order is the same already.
  at::Tensor places;
  at::Tensor slots;  // [N] int64, cache only: page * 64 + offset where each token's latent goes
};

// Groups sequences by length. Without a cache every sequence has to start at position 0.
//   num_heads  H, for the size of the scores
AttentionPlan PlanAttention(const PackedTokens& tokens, const KvView& view, int64_t num_heads);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_ATTENTION_PLAN_H_
