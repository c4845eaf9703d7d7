#ifndef PLUMB_TRAIN_MICRO_BATCH_H_
#define PLUMB_TRAIN_MICRO_BATCH_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace plumb {

// Splits the rows of a step into micro batches, each one packed forward and backward pass: the longest rows first, each
// into the first micro batch where it fits. A row longer than `max_tokens` gets a micro batch of its own. Depends on
// the lengths alone.
//
//   lengths     [rows] tokens
//   max_tokens  of a micro batch
//   returns     row indices of each micro batch, ascending; micro batches in the order of their first rows
std::vector<std::vector<int64_t>> SplitIntoMicroBatches(absl::Span<const int64_t> lengths, int64_t max_tokens);

}  // namespace plumb

#endif  // PLUMB_TRAIN_MICRO_BATCH_H_
