#ifndef PLUMB_CHECKPOINT_FP8_BLOCKS_H_
#define PLUMB_CHECKPOINT_FP8_BLOCKS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

// Weights in FP8 blocks: a matrix of O x N is stored as F8_E4M3 codes with one float32 scale for each block of
// 128 x 128, ceil(O / 128) x ceil(N / 128) of them; blocks at the lower and right border are partial. weight = code x
// scale, in float32. Source: arXiv:2412.19437, section 3.3, and the weights' description published with it.
namespace plumb {

inline constexpr int64_t kFp8BlockSize = 128;

inline int64_t NumFp8Blocks(int64_t size) { return (size + kFp8BlockSize - 1) / kFp8BlockSize; }

// How scales are chosen: the block's largest magnitude / 448, or the power of two at or above it.
enum class Fp8Scales { kFloat32, kPowersOfTwo };

// One band of blocks: at most 128 rows of a matrix.
struct Fp8Band {
  std::vector<std::byte> codes;  // F8_E4M3, rows x columns
  std::vector<float> scales;     // one for each 128 columns
};

// Quantizes a band. A block of zeros gets a small scale, so that nothing is divided by 0.
//   values  [rows, columns] row-major, finite, rows at most 128
Fp8Band QuantizeFp8Band(absl::Span<const float> values, int64_t columns, Fp8Scales scales);

// Multiplies decoded codes by their scales, in place.
//   values     [rows, columns]
//   first_row  place of the first row in its band, 0 ... 127
//   scales     [bands, ceil(columns / 128)] of the bands that the rows lie in
void ApplyFp8Scales(absl::Span<float> values, int64_t columns, int64_t first_row, absl::Span<const float> scales);

}  // namespace plumb

#endif  // PLUMB_CHECKPOINT_FP8_BLOCKS_H_
