#ifndef PLUMB_POLICY_KERNELS_PADDED_ATTENTION_H_
#define PLUMB_POLICY_KERNELS_PADDED_ATTENTION_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "policy/kernels/cpu/attention_units.h"

namespace plumb {

// How many score elements (B * T * H * S) attention in ATen's operations holds at a time.
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

// A forward's attention for ATen's operations: the plain form, and what devices other than the CPU run.
struct PaddedAttention {
  std::vector<AttentionBatch> batches;
  // [N] int64, place of each packed token in the batches' padded queries laid one after the other; undefined where the
  // order is the same already.
  at::Tensor places;
};

// Groups sequences by length.
//   block_rows  as in cpu::AttentionUnits
//   cached      the latents are pages of a cache; otherwise every sequence starts at position 0
//   num_heads   H, for the size of the scores
PaddedAttention PadAttention(const std::vector<cpu::AttentionSpan>& sequences, const std::vector<int64_t>& block_rows,
                             bool cached, int64_t num_heads);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_PADDED_ATTENTION_H_
