#ifndef PLUMB_POLICY_WEIGHT_DIGEST_H_
#define PLUMB_POLICY_WEIGHT_DIGEST_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace plumb {

// The part of a weight version's digest (WeightDigest in policy/weights.h) that a slice of one published tensor gives.
// Slices add up modulo 2^64, in any order, to the digest of the whole.
//
//   name           published name of the tensor
//   first_element  index of the slice's first element in the whole tensor, row-major
//   bytes          the slice, a whole number of elements
//   element_bytes  2 or 4
uint64_t DigestSlice(absl::string_view name, int64_t first_element, absl::Span<const std::byte> bytes,
                     int64_t element_bytes);

}  // namespace plumb

#endif  // PLUMB_POLICY_WEIGHT_DIGEST_H_
