#ifndef PLUMB_TEXT_PACKING_H_
#define PLUMB_TEXT_PACKING_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace plumb {

// Puts documents into as few bins as best-fit decreasing finds: by length descending (stable), each into the fullest
// bin that still fits, the oldest on a tie, else a new bin. A document longer than `limit` gets a bin of its own.
//
//   lengths  [documents] tokens
//   limit    tokens of a bin
//   returns  indices of the documents of each bin
std::vector<std::vector<int64_t>> PackBestFit(absl::Span<const int64_t> lengths, int64_t limit);

}  // namespace plumb

#endif  // PLUMB_TEXT_PACKING_H_
