#ifndef PLUMB_SFT_SFT_BATCH_H_
#define PLUMB_SFT_SFT_BATCH_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "policy/packed_tokens.h"
#include "text/dataset.h"

namespace plumb {

// One forward and backward pass: N packed tokens of whole rows, M of their tokens trained.
struct SftMicroBatch {
  PackedTokens tokens;    // N
  at::Tensor predictors;  // [M] int64, which of the N tokens predict the trained ones
  at::Tensor targets;     // [M] int64, the trained tokens
};

// The rows of one optimizer step.
struct SftBatch {
  std::vector<SftMicroBatch> micro_batches;
  int64_t trained_tokens = 0;
};

// Packs rows into micro batches of at most `micro_batch_tokens` tokens by best fit; a longer row has one of its own.
// Tensors are on `device`.
SftBatch PackSftBatch(absl::Span<const SftRow* const> rows, int64_t micro_batch_tokens, at::Device device);

}  // namespace plumb

#endif  // PLUMB_SFT_SFT_BATCH_H_
