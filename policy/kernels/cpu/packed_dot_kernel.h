#ifndef PLUMB_POLICY_KERNELS_CPU_PACKED_DOT_KERNEL_H_
#define PLUMB_POLICY_KERNELS_CPU_PACKED_DOT_KERNEL_H_

#include "policy/kernels/cpu/dot_results.h"
#include "policy/kernels/cpu/numerics.h"

// Products of many rows. What a tile reads is copied first, register by register in the order in which it is read: the
// weights once for all rows, into the second-level cache, and each strip of rows into the first. Rows that lie a power
// of two apart would push each other out of a cache, and bfloat16 is widened once.
namespace plumb::cpu {

static_assert(kDotRows<Isa::kAvx512> <= kPackedRows);

// A block of the depth, and what is kept for it.
struct PackedDepth {
  int64_t begin;
  int64_t end;
  int64_t padded;  // its length in whole registers
  float* weights;  // [columns / 4] tiles of [padded / lanes][4] registers
  float* strip;    // [padded / lanes][rows of a strip] registers
  float* open;     // [rows][columns]
};

// A tile's weights, copied.
template <Isa isa>
struct PackedWeights {
  using V = Vec<isa>;
  const float* copy;

  PLUMB_INLINE typename V::Float Take(int column, int64_t d) const {
    return V::Load(copy + kDotColumns * d + column * V::kLanes);
  }
};

// A tile's weights where they are stored; taking them makes the copy, and asks memory for those of the next tile.
template <Isa isa, typename Weight>
struct StoredWeights {
  using V = Vec<isa>;
  const Weight* rows[kDotColumns];
  int64_t ahead;  // from these to the next tile's, elements
  int64_t length;
  float* copy;

  PLUMB_INLINE typename V::Float Take(int column, int64_t d) const {
    const Weight* from = rows[column] + d;
    _mm_prefetch(reinterpret_cast<const char*>(from + ahead), _MM_HINT_T0);
    const typename V::Float taken =
        d + V::kLanes <= length ? V::Load(from) : V::LoadTail(from, static_cast<int>(length - d));
    V::Store(copy + kDotColumns * d + column * V::kLanes, taken);
    return taken;
  }
};

// The sums of kRows copied rows and four columns over one block of the depth. Numerics: the dot product.
template <Isa isa, int kRows, typename Weights>
PLUMB_VEC void SumPackedTile(const float* strip, const Weights& weights, int64_t padded, __m128 (&sums)[kRows]) {
  using V = Vec<isa>;
  typename V::Float partial[kRows][kDotColumns];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < kDotColumns; ++c) partial[r][c] = V::Zero();
  }
#pragma GCC unroll 2
  for (int64_t d = 0; d < padded; d += V::kLanes, strip += kRows * V::kLanes) {
    typename V::Float xs[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) xs[r] = V::Load(strip + r * V::kLanes);
#pragma GCC unroll 8
    for (int c = 0; c < kDotColumns; ++c) {
      const typename V::Float ws = weights.Take(c, d);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) partial[r][c] = V::Fma(xs[r], ws, partial[r][c]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) sums[r] = V::Sum4(partial[r][0], partial[r][1], partial[r][2], partial[r][3]);
}

// Copies rows of x, side by side for each register; elements that the last register lacks are zero.
template <Isa isa, int kRows>
PLUMB_VEC void PackStrip(const float* x, int64_t stride, int64_t length, float* strip) {
  using V = Vec<isa>;
  for (int r = 0; r < kRows; ++r, x += stride) {
    float* to = strip + r * V::kLanes;
    int64_t d = 0;
    for (; d + V::kLanes <= length; d += V::kLanes, to += kRows * V::kLanes) V::Store(to, V::Load(x + d));
    if (d < length) V::Store(to, V::LoadTail(x + d, static_cast<int>(length - d)));
  }
}

template <Isa isa, typename Weight>
PLUMB_VEC StoredWeights<isa, Weight> WeightsOf(const DotProduct& p, const DotPlace& place, const PackedDepth& depth,
                                               bool last, float* copy) {
  StoredWeights<isa, Weight> weights;
  const Weight* w = static_cast<const Weight*>(p.w) + place.column * p.w_stride + depth.begin;
  // A missing row is the last one once more; its result is not stored.
  for (int c = 0; c < kDotColumns; ++c) weights.rows[c] = w + (c < place.count ? c : place.count - 1) * p.w_stride;
  weights.ahead = last ? 0 : kDotColumns * p.w_stride;
  weights.length = depth.end - depth.begin;
  weights.copy = copy;
  return weights;
}

// kRows rows from `row` on against all columns of the block.
//   kFirst  the first strip, which finds the weights where they are stored and copies them
template <Isa isa, typename Weight, typename Output, int kRows, bool kFirst>
void PackedStrip(const DotProduct& p, const ResultBlock& block, const PackedDepth& depth, int64_t row) {
  PackStrip<isa, kRows>(p.x + row * p.x_stride + depth.begin, p.x_stride, depth.end - depth.begin, depth.strip);
  const int64_t columns = block.column_end - block.column_begin;
  const int64_t stride = (columns + kDotColumns - 1) / kDotColumns * kDotColumns;
  float* open = depth.open + (row - block.row_begin) * stride;
  float* copy = depth.weights;
  for (int64_t column = 0; column < columns; column += kDotColumns, copy += kDotColumns * depth.padded) {
    const int64_t left = columns - column;
    const DotPlace place = {row, block.column_begin + column,
                            left < kDotColumns ? static_cast<int>(left) : kDotColumns};
    __m128 sums[kRows];
    if constexpr (kFirst) {
      const auto weights = WeightsOf<isa, Weight>(p, place, depth, left <= kDotColumns, copy);
      SumPackedTile<isa, kRows>(depth.strip, weights, depth.padded, sums);
    } else {
      SumPackedTile<isa, kRows>(depth.strip, PackedWeights<isa>{copy}, depth.padded, sums);
    }
    TakeSums<Output, Weight, kRows>(p, place, depth.begin, depth.end, {open + column, stride}, sums);
  }
}

template <Isa isa, typename Weight, typename Output, bool kFirst>
PLUMB_VEC void PackedStripOf(int64_t height, const DotProduct& p, const ResultBlock& block, const PackedDepth& depth,
                             int64_t row) {
  if constexpr (kDotRows < isa >> 3) {
    if (height == 6) return PackedStrip<isa, Weight, Output, 6, kFirst>(p, block, depth, row);
    if (height == 5) return PackedStrip<isa, Weight, Output, 5, kFirst>(p, block, depth, row);
    if (height == 4) return PackedStrip<isa, Weight, Output, 4, kFirst>(p, block, depth, row);
  }
  // Two strips and more are never lower than half of the tallest one.
  if (height == 3) return PackedStrip<isa, Weight, Output, 3, kFirst>(p, block, depth, row);
  PackedStrip<isa, Weight, Output, 2, kFirst>(p, block, depth, row);
}

// One block of results of many rows, more than a strip; `scratch` has kDotScratch elements.
template <Isa isa, typename Weight, typename Output>
void PackedDotBlock(const DotProduct& p, const ResultBlock& block, float* scratch) {
  constexpr int kLanes = Vec<isa>::kLanes;
  float* const strip = scratch + kPackedWeights;
  for (int64_t begin = 0; begin == 0 || begin < p.depth; begin += kDotBlock) {
    const int64_t end = p.depth - begin < kDotBlock ? p.depth : begin + kDotBlock;
    const int64_t padded = (end - begin + kLanes - 1) / kLanes * kLanes;
    const PackedDepth depth = {begin, end, padded, scratch, strip, strip + kPackedRows * kDotBlock};
    int64_t left = (block.row_end - block.row_begin + kDotRows<isa> - 1) / kDotRows<isa>;
    for (int64_t row = block.row_begin; row < block.row_end; --left) {
      const int64_t height = (block.row_end - row + left - 1) / left;  // nearly the same for all
      if (row == block.row_begin) {
        PackedStripOf<isa, Weight, Output, true>(height, p, block, depth, row);
      } else {
        PackedStripOf<isa, Weight, Output, false>(height, p, block, depth, row);
      }
      row += height;
    }
  }
}

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_PACKED_DOT_KERNEL_H_
