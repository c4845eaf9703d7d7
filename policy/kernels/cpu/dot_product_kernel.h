#ifndef PLUMB_POLICY_KERNELS_CPU_DOT_PRODUCT_KERNEL_H_
#define PLUMB_POLICY_KERNELS_CPU_DOT_PRODUCT_KERNEL_H_

#include "policy/kernels/cpu/dot_product.h"
#include "policy/kernels/cpu/numerics.h"
#include "policy/kernels/cpu/vec.h"

namespace plumb::cpu {

// The weights' rows that a tile takes at once; their results leave in one store.
inline constexpr int kDotColumns = 4;

// Rows of x that a tile takes: sums of all pairs fill the registers, less one row's vectors and one of the weights.
template <Isa isa>
inline constexpr int kDotRows = isa == Isa::kAvx512 ? 6 : 3;

// One tile: kRows rows of x against four rows of w. Numerics: the dot product.
template <Isa isa, typename Weight, int kRows>
struct DotTile {
  using V = Vec<isa>;
  using Float = typename V::Float;

  const float* x;
  int64_t x_stride;
  const Weight* w[kDotColumns];
  // How far ahead to ask memory for weights, in elements; 0 where they come from a cache.
  int64_t ahead;

  PLUMB_INLINE void Add(Float (&partial)[kRows][kDotColumns], int64_t d, int tail) {
    Float xs[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const float* from = x + r * x_stride + d;
      xs[r] = tail == 0 ? V::Load(from) : V::LoadTail(from, tail);
    }
#pragma GCC unroll 8
    for (int c = 0; c < kDotColumns; ++c) {
      const Float ws = tail == 0 ? V::Load(w[c] + d) : V::LoadTail(w[c] + d, tail);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) partial[r][c] = V::Fma(xs[r], ws, partial[r][c]);
    }
  }

  // The sums of one block of the depth, elements begin ... end - 1.
  PLUMB_INLINE void Run(int64_t begin, int64_t end, __m128 (&sums)[kRows]) {
    Float partial[kRows][kDotColumns];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
      for (int c = 0; c < kDotColumns; ++c) partial[r][c] = V::Zero();
    }
    int64_t d = begin;
    for (; d + V::kLanes <= end; d += V::kLanes) {
      if constexpr (kRows <= 4) Prefetch(d);
      Add(partial, d, 0);
    }
    if (d < end) Add(partial, d, static_cast<int>(end - d));
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) sums[r] = V::Sum4(partial[r][0], partial[r][1], partial[r][2], partial[r][3]);
  }

  PLUMB_INLINE void Prefetch(int64_t d) {
#pragma GCC unroll 8
    for (int c = 0; c < kDotColumns; ++c) {
      _mm_prefetch(reinterpret_cast<const char*>(w[c] + d + ahead), _MM_HINT_T0);
    }
  }
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

// Columns whose unfinished sums a strip holds where the depth has several blocks.
inline constexpr int64_t kOpenColumns = 64;

// Adds the sums of the depth's earlier blocks, and keeps the result where there are later ones.
template <int kRows>
PLUMB_VEC void JoinOpen(float (*open)[kOpenColumns], int64_t column, bool first, bool last, __m128 (&sums)[kRows]) {
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    if (!first) sums[r] = _mm_add_ps(_mm_load_ps(open[r] + column), sums[r]);
    if (!last) _mm_store_ps(open[r] + column, sums[r]);
  }
}

// kRows rows from `row` on, against columns begin ... end - 1, kOpenColumns at most. The depth's blocks come outermost,
// so that the rows' part of a block stays in the first-level cache while the weights pass by.
template <Isa isa, typename Weight, typename Output, int kRows>
void DotStrip(const DotProduct& p, int64_t row, int64_t begin, int64_t end) {
  DotTile<isa, Weight, kRows> tile;
  tile.x = p.x + row * p.x_stride;
  tile.x_stride = p.x_stride;
  const Weight* w = static_cast<const Weight*>(p.w);
  Output* y = static_cast<Output*>(p.y) + row * p.y_stride;
  alignas(16) float open[kRows][kOpenColumns];
  for (int64_t first = 0; first == 0 || first < p.depth; first += kDotBlock) {
    const int64_t last = p.depth - first < kDotBlock ? p.depth : first + kDotBlock;
    for (int64_t column = begin; column < end; column += kDotColumns) {
      const int count = end - column < kDotColumns ? static_cast<int>(end - column) : kDotColumns;
      // A missing row is the last one once more; its result is not stored.
      for (int c = 0; c < kDotColumns; ++c) tile.w[c] = w + (column + (c < count ? c : count - 1)) * p.w_stride;
      tile.ahead = end - column >= 2 * kDotColumns ? kDotColumns * p.w_stride : 0;
      __m128 sums[kRows];
      tile.Run(first, last, sums);
      JoinOpen(open, column - begin, first == 0, last == p.depth, sums);
      const Weight* bias = p.bias == nullptr ? nullptr : static_cast<const Weight*>(p.bias) + column;
      for (int r = 0; r < kRows && last == p.depth; ++r)
        StoreResults(y + r * p.y_stride + column, sums[r], bias, count);
    }
  }
}

template <Isa isa, typename Weight, typename Output>
void DotRows(const DotProduct& p, int64_t row, int64_t count, int64_t begin, int64_t end) {
  if constexpr (kDotRows < isa >> 3) {
    if (count == 6) return DotStrip<isa, Weight, Output, 6>(p, row, begin, end);
    if (count == 5) return DotStrip<isa, Weight, Output, 5>(p, row, begin, end);
    if (count == 4) return DotStrip<isa, Weight, Output, 4>(p, row, begin, end);
  }
  if (count == 3) return DotStrip<isa, Weight, Output, 3>(p, row, begin, end);
  if (count == 2) return DotStrip<isa, Weight, Output, 2>(p, row, begin, end);
  DotStrip<isa, Weight, Output, 1>(p, row, begin, end);
}

// The rows in strips of nearly the same height: a last strip of one row would leave most of the registers idle.
template <Isa isa, typename Weight, typename Output>
void DotBlock(const DotProduct& p, const ResultBlock& block) {
  int64_t row = block.row_begin;
  for (int64_t left = block.row_end - row; left > 0; left = block.row_end - row) {
    const int64_t strips = (left + kDotRows<isa> - 1) / kDotRows<isa>;
    const int64_t count = (left + strips - 1) / strips;
    for (int64_t begin = block.column_begin; begin < block.column_end; begin += kOpenColumns) {
      const int64_t end = block.column_end - begin < kOpenColumns ? block.column_end : begin + kOpenColumns;
      DotRows<isa, Weight, Output>(p, row, count, begin, end);
    }
    row += count;
  }
}

template <Isa isa>
void DotBlockOfTypes(const DotProduct& product, DotTypes types, const ResultBlock& block) {
  if (types.weight == FloatType::kFloat32) {
    DotBlock<isa, float, float>(product, block);
  } else if (types.output == FloatType::kFloat32) {
    DotBlock<isa, Bf16, float>(product, block);
  } else {
    DotBlock<isa, Bf16, Bf16>(product, block);
  }
}

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_DOT_PRODUCT_KERNEL_H_
