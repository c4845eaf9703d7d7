#ifndef PLUMB_POLICY_KERNELS_CPU_DOT_RESULTS_H_
#define PLUMB_POLICY_KERNELS_CPU_DOT_RESULTS_H_

#include "policy/kernels/cpu/dot_product.h"
#include "policy/kernels/cpu/vec.h"

// Where the sums of dot products go, included by the sources of the instruction-set classes alone.
namespace plumb::cpu {

// The weights' rows that a tile takes at once; their results leave in one store.
inline constexpr int kDotColumns = 4;

// Rows of x that a tile takes: sums of all pairs fill the registers, less one row's vectors and one of the weights.
template <Isa isa>
inline constexpr int kDotRows = isa == Isa::kAvx512 ? 6 : 3;

// Results of a tile: rows of y from `row` on, `count` columns from `column` on.
struct DotPlace {
  int64_t row;
  int64_t column;
  int count;
};

// Sums that have not seen the whole depth yet, of rows and columns from a first one on.
struct OpenSums {
  float* sums;
  int64_t stride;  // from one row to the next
};

template <typename Output, typename Weight>
PLUMB_VEC void StoreResults(Output* to, __m128 sums, const Weight* bias, int count) {
  alignas(16) float values[kDotColumns];
  _mm_store_ps(values, sums);
  for (int c = 0; c < count; ++c) StoreOne(to + c, bias == nullptr ? values[c] : values[c] + ToFloat(bias[c]));
}

template <typename Weight>
PLUMB_VEC void StoreResults(float* to, __m128 sums, const Weight* bias, int count) {
  if (bias == nullptr && count == kDotColumns) return _mm_storeu_ps(to, sums);
  StoreResults<float, Weight>(to, sums, bias, count);
}

// Takes the sums of a block of the depth, elements begin ... end - 1: adds those of the blocks before, and keeps the
// result in `open`, or finishes it where the depth ends. Numerics: blocks are added ascending.
template <typename Output, typename Weight, int kRows>
PLUMB_VEC void TakeSums(const DotProduct& p, const DotPlace& place, int64_t begin, int64_t end, const OpenSums& open,
                        __m128 (&sums)[kRows]) {
  const Weight* bias = p.bias == nullptr ? nullptr : static_cast<const Weight*>(p.bias) + place.column;
  Output* y = static_cast<Output*>(p.y) + place.row * p.y_stride + place.column;
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    if (begin > 0) sums[r] = _mm_add_ps(_mm_loadu_ps(open.sums + r * open.stride), sums[r]);
    if (end < p.depth) {
      _mm_storeu_ps(open.sums + r * open.stride, sums[r]);
    } else {
      StoreResults(y + r * p.y_stride, sums[r], bias, place.count);
    }
  }
}

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_DOT_RESULTS_H_
