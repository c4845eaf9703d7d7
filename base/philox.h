#ifndef PLUMB_BASE_PHILOX_H_
#define PLUMB_BASE_PHILOX_H_

#include <array>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace plumb {

// The counter-based generator Philox 4x32 with 10 rounds.
// Source: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
std::array<uint32_t, 4> Philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

// A uniform float in (0, 1), never 0 or 1: the upper 23 bits of `bits` plus one half, times 2^-23.
float UniformFromBits(uint32_t bits);

// What a sampled token's randomness depends on, besides its position; nothing else ever enters it.
struct SeedKey {
  uint64_t run_seed = 0;
  uint32_t domain = 0;        // 0 train, 1 eval
  uint64_t row_key = 0;       // RowKey() of the data row
  uint64_t visit = 0;         // how often this row was asked for before; a retry keeps it
  uint64_t sample_index = 0;  // place in the group
};

// The 64-bit hash (FNV-1a, then mixed) of a data row's id.
uint64_t RowKey(absl::string_view row_id);

// The Philox key of a sample: all fields of `seed` mixed into 64 bits by chained Philox calls.
std::array<uint32_t, 2> PhiloxKey(const SeedKey& seed);

// The uniform draw in (0, 1) for the token at `position` (its index in prompt + completion) and draw number `draw`.
float UniformAt(std::array<uint32_t, 2> key, uint64_t position, uint32_t draw);

}  // namespace plumb

#endif  // PLUMB_BASE_PHILOX_H_
