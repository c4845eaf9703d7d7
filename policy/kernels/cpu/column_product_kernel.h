#ifndef PLUMB_POLICY_KERNELS_CPU_COLUMN_PRODUCT_KERNEL_H_
#define PLUMB_POLICY_KERNELS_CPU_COLUMN_PRODUCT_KERNEL_H_

#include "policy/kernels/cpu/column_product.h"
#include "policy/kernels/cpu/vec.h"

namespace plumb::cpu {

// Rows that a tile takes at most; its columns are two registers.
template <Isa isa>
inline constexpr int kColumnRows = isa == Isa::kAvx512 ? 12 : 6;

// Where one tile works. `a` is packed: kRows numbers for each inner index.
template <typename B>
struct ColumnTile {
  const float* a;
  const B* b;
  int64_t b_stride;
  float* y;
  int64_t y_stride;
  int64_t inner;
  int rows;     // of y, at most kRows
  int columns;  // of y and b, at most two registers
  bool accumulate;
};

// kWhole: all columns of both registers are there. Numerics: the column product.
template <Isa isa, typename B, int kRows, bool kWhole>
void RunColumnTile(const ColumnTile<B>& tile) {
  using V = Vec<isa>;
  using Float = typename V::Float;
  const int low = tile.columns < V::kLanes ? tile.columns : V::kLanes;
  const int high = tile.columns - low;
  Float sums[kRows][2];
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
    sums[r][0] = sums[r][1] = V::Zero();
    if (!tile.accumulate || r >= tile.rows) continue;
    const float* from = tile.y + r * tile.y_stride;
    sums[r][0] = kWhole ? V::Load(from) : V::LoadTail(from, low);
    sums[r][1] = kWhole ? V::Load(from + V::kLanes) : V::LoadTail(from + low, high);
  }
  const float* a = tile.a;
  const B* b = tile.b;
  for (int64_t j = 0; j < tile.inner; ++j, a += kRows, b += tile.b_stride) {
    const Float b0 = kWhole ? V::Load(b) : V::LoadTail(b, low);
    const Float b1 = kWhole ? V::Load(b + V::kLanes) : V::LoadTail(b + low, high);
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
      const Float factor = V::Set(a[r]);
      sums[r][0] = V::Fma(factor, b0, sums[r][0]);
      sums[r][1] = V::Fma(factor, b1, sums[r][1]);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
    if (r >= tile.rows) continue;
    float* to = tile.y + r * tile.y_stride;
    if (kWhole) {
      V::Store(to, sums[r][0]);
      V::Store(to + V::kLanes, sums[r][1]);
    } else {
      V::StoreTail(to, sums[r][0], low);
      V::StoreTail(to + low, sums[r][1], high);
    }
  }
}

template <Isa isa, typename B, int kRows>
PLUMB_VEC void RunColumnTile(const ColumnTile<B>& tile) {
  if (tile.columns == 2 * Vec<isa>::kLanes) return RunColumnTile<isa, B, kRows, true>(tile);
  RunColumnTile<isa, B, kRows, false>(tile);
}

// The heights that tiles are compiled for; a strip takes the next larger one, its packed rows beyond are zero.
PLUMB_VEC int TileHeight(int64_t rows) {
  return rows <= 2 ? static_cast<int>(rows) : rows <= 4 ? 4 : rows <= 6 ? 6 : rows <= 8 ? 8 : 12;
}

template <Isa isa, typename B>
void RunColumnTileOf(int height, const ColumnTile<B>& tile) {
  if constexpr (kColumnRows < isa >> 6) {
    if (height == 12) return RunColumnTile<isa, B, 12>(tile);
    if (height == 8) return RunColumnTile<isa, B, 8>(tile);
  }
  if (height == 6) return RunColumnTile<isa, B, 6>(tile);
  if (height == 4) return RunColumnTile<isa, B, 4>(tile);
  if (height == 2) return RunColumnTile<isa, B, 2>(tile);
  RunColumnTile<isa, B, 1>(tile);
}

// Rows of a block, cut into strips of nearly the same height.
struct Strips {
  int64_t rows;
  int64_t per_strip;
  int height;
};

// Inner indices first ... first + count - 1.
struct InnerRange {
  int64_t first;
  int64_t count;
};

// The block's rows strip by strip, each as a tile reads it.
PLUMB_VEC void PackRows(const ColumnProduct& p, int64_t row, const Strips& strips, InnerRange inner, float* to) {
  for (int64_t begin = 0; begin < strips.rows; begin += strips.per_strip, to += strips.height * inner.count) {
    const int64_t rows = strips.rows - begin < strips.per_strip ? strips.rows - begin : strips.per_strip;
    const float* from = p.a + (row + begin) * p.a_row_stride + inner.first * p.a_inner_stride;
    for (int64_t j = 0; j < inner.count; ++j, from += p.a_inner_stride) {
      for (int r = 0; r < strips.height; ++r) {
        to[j * strips.height + r] = r < rows ? from[r * p.a_row_stride] : 0.0f;
      }
    }
  }
}

template <Isa isa, typename B>
void PackColumns(const B* from, int64_t stride, int64_t inner, int columns, float* to) {
  using V = Vec<isa>;
  const int low = columns < V::kLanes ? columns : V::kLanes;
  for (int64_t j = 0; j < inner; ++j, from += stride, to += 2 * V::kLanes) {
    V::Store(to, V::LoadTail(from, low));
    V::Store(to + V::kLanes, V::LoadTail(from + low, columns - low));
  }
}

// A part of the inner indices of a block whose rows are packed: its columns, panel by panel.
template <Isa isa, typename B>
void RunPanels(const ColumnProduct& p, const ResultBlock& block, const Strips& strips, InnerRange inner,
               float* scratch) {
  constexpr int kWidth = 2 * Vec<isa>::kLanes;
  float* panel = scratch;
  const float* packed = scratch + kColumnBlockInner * kWidth;
  const bool once = strips.rows <= strips.per_strip;
  const bool accumulate = p.accumulate || inner.first > 0;
  for (int64_t column = block.column_begin; column < block.column_end; column += kWidth) {
    const int64_t left = block.column_end - column;
    const int columns = left < kWidth ? static_cast<int>(left) : kWidth;
    const B* b = static_cast<const B*>(p.b) + inner.first * p.b_stride + column;
    if (!once) PackColumns<isa>(b, p.b_stride, inner.count, columns, panel);
    const float* a = packed;
    for (int64_t r = 0; r < strips.rows; r += strips.per_strip, a += strips.height * inner.count) {
      const int rows = static_cast<int>(strips.rows - r < strips.per_strip ? strips.rows - r : strips.per_strip);
      float* y = p.y + (block.row_begin + r) * p.y_stride + column;
      if (once) {
        const ColumnTile<B> tile = {a, b, p.b_stride, y, p.y_stride, inner.count, rows, columns, accumulate};
        RunColumnTileOf<isa, B>(strips.height, tile);
      } else {
        const ColumnTile<float> tile = {a, panel, kWidth, y, p.y_stride, inner.count, rows, columns, accumulate};
        RunColumnTileOf<isa, float>(strips.height, tile);
      }
    }
  }
}

template <Isa isa, typename B>
void ColumnBlock(const ColumnProduct& p, const ResultBlock& block, float* scratch) {
  const int64_t rows = block.row_end - block.row_begin;
  const int64_t num_strips = (rows + kColumnRows<isa> - 1) / kColumnRows<isa>;
  const int64_t per_strip = (rows + num_strips - 1) / num_strips;
  const Strips strips = {rows, per_strip, TileHeight(per_strip)};
  for (int64_t first = 0; first == 0 || first < p.inner; first += kColumnBlockInner) {
    const InnerRange inner = {first, p.inner - first < kColumnBlockInner ? p.inner - first : kColumnBlockInner};
    PackRows(p, block.row_begin, strips, inner, scratch + kColumnBlockInner * 2 * Vec<isa>::kLanes);
    RunPanels<isa, B>(p, block, strips, inner, scratch);
  }
}

template <Isa isa>
void ColumnBlockOfType(const ColumnProduct& product, FloatType type, const ResultBlock& block, float* scratch) {
  if (type == FloatType::kFloat32) {
    ColumnBlock<isa, float>(product, block, scratch);
  } else {
    ColumnBlock<isa, Bf16>(product, block, scratch);
  }
}

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_COLUMN_PRODUCT_KERNEL_H_
