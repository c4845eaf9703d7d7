#include "checkpoint/fp8_blocks.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "checkpoint/number_formats.h"

namespace plumb {
namespace {

constexpr float kLargestCode = 448.0f;
constexpr float kSmallestMagnitude = 1e-12f;

// The columns of a block that exist.
struct Columns {
  int64_t begin;
  int64_t end;
};

Columns ColumnsOf(int64_t block, int64_t columns) {
  return {block * kFp8BlockSize, std::min((block + 1) * kFp8BlockSize, columns)};
}

float LargestMagnitude(absl::Span<const float> values, int64_t columns, Columns block) {
  float largest = 0.0f;
  const int64_t rows = static_cast<int64_t>(values.size()) / columns;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = block.begin; column < block.end; ++column) {
      largest = std::max(largest, std::fabs(values[row * columns + column]));
    }
  }
  return largest;
}

float ScaleFor(float largest, Fp8Scales scales) {
  const float scale = std::max(largest, kSmallestMagnitude) / kLargestCode;
  if (scales == Fp8Scales::kFloat32) return scale;
  int exponent = 0;
  const float fraction = std::frexp(scale, &exponent);  // scale = fraction x 2^exponent, fraction in [0.5, 1)
  return std::ldexp(1.0f, fraction == 0.5f ? exponent - 1 : exponent);
}

}  // namespace

Fp8Band QuantizeFp8Band(absl::Span<const float> values, int64_t columns, Fp8Scales scales) {
  const int64_t rows = columns == 0 ? 0 : static_cast<int64_t>(values.size()) / columns;
  PLUMB_CHECK(rows <= kFp8BlockSize) << rows << " rows in a band";
  std::vector<float> scaled(values.begin(), values.end());
  Fp8Band band;
  for (int64_t block = 0; block < NumFp8Blocks(columns); ++block) {
    const Columns own = ColumnsOf(block, columns);
    const float scale = ScaleFor(LargestMagnitude(values, columns, own), scales);
    band.scales.push_back(scale);
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t column = own.begin; column < own.end; ++column) scaled[row * columns + column] /= scale;
    }
  }
  band.codes.resize(values.size());
  FromFloats(TensorType::kF8E4M3, scaled, band.codes.data());
  return band;
}

void ApplyFp8Scales(absl::Span<float> values, int64_t columns, int64_t first_row, absl::Span<const float> scales) {
  if (values.empty()) return;
  const int64_t rows = static_cast<int64_t>(values.size()) / columns;
  const int64_t blocks = NumFp8Blocks(columns);
  for (int64_t row = 0; row < rows; ++row) {
    const float* row_scales = scales.data() + (first_row + row) / kFp8BlockSize * blocks;
    float* row_values = values.data() + row * columns;
    for (int64_t block = 0; block < blocks; ++block) {
      const Columns own = ColumnsOf(block, columns);
      for (int64_t column = own.begin; column < own.end; ++column) row_values[column] *= row_scales[block];
    }
  }
}

}  // namespace plumb
