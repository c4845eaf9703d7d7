#ifndef PLUMB_POLICY_KERNELS_CPU_COLUMN_PRODUCT_KERNEL_H_
#define PLUMB_POLICY_KERNELS_CPU_COLUMN_PRODUCT_KERNEL_H_

#include "policy/kernels/cpu/column_packing.h"
#include "policy/kernels/cpu/vec.h"

namespace plumb::cpu {

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

// A part of the inner indices of a block, its rows and columns packed.
template <Isa isa>
void RunPanels(const ColumnProduct& p, const ResultBlock& block, const Strips& strips, InnerRange inner,
               const float* rows, const float* panel) {
  const bool accumulate = p.accumulate || inner.first > 0;
  for (int64_t column = block.column_begin; column < block.column_end; column += kPanelColumns<isa>) {
    const int64_t left = block.column_end - column;
    ColumnTile<float> tile;
    tile.a = rows;
    tile.b = panel;
    tile.b_stride = kPanelColumns<isa>;
    tile.y_stride = p.y_stride;
    tile.inner = inner.count;
    tile.columns = left < kPanelColumns<isa> ? static_cast<int>(left) : kPanelColumns<isa>;
    tile.accumulate = accumulate;
    for (int64_t r = 0; r < strips.rows; r += strips.per_strip, tile.a += strips.height * inner.count) {
      tile.rows = strips.HeightAt(r);
      tile.y = p.y + (block.row_begin + r) * p.y_stride + column;
      RunColumnTileOf<isa, float>(strips.height, tile);
    }
    panel += inner.count * kPanelColumns<isa>;
  }
}

// The same of a single strip, whose columns are taken from where they are stored.
template <Isa isa, typename B>
void RunStrip(const ColumnProduct& p, const ResultBlock& block, const Strips& strips, InnerRange inner,
              const float* rows) {
  for (int64_t column = block.column_begin; column < block.column_end; column += kPanelColumns<isa>) {
    const int64_t left = block.column_end - column;
    ColumnTile<B> tile;
    tile.a = rows;
    tile.b = static_cast<const B*>(p.b) + inner.first * p.b_stride + column;
    tile.b_stride = p.b_stride;
    tile.y = p.y + block.row_begin * p.y_stride + column;
    tile.y_stride = p.y_stride;
    tile.inner = inner.count;
    tile.rows = strips.HeightAt(0);
    tile.columns = left < kPanelColumns<isa> ? static_cast<int>(left) : kPanelColumns<isa>;
    tile.accumulate = p.accumulate || inner.first > 0;
    RunColumnTileOf<isa, B>(strips.height, tile);
  }
}

template <Isa isa, typename B>
void ColumnBlock(const ColumnProduct& p, const ResultBlock& block, float* scratch) {
  const int64_t rows = block.row_end - block.row_begin;
  const int64_t num_strips = (rows + kColumnRows<isa> - 1) / kColumnRows<isa>;
  const int64_t per_strip = (rows + num_strips - 1) / num_strips;
  const Strips strips = {rows, per_strip, TileHeight(per_strip)};
  float* const packed_rows = scratch + kColumnBlockColumns * kColumnBlockInner;
  for (int64_t first = 0; first == 0 || first < p.inner; first += kColumnBlockInner) {
    const InnerRange inner = {first, p.inner - first < kColumnBlockInner ? p.inner - first : kColumnBlockInner};
    PackRows<isa>(p, block.row_begin, strips, inner, packed_rows);
    if (num_strips == 1) {
      RunStrip<isa, B>(p, block, strips, inner, packed_rows);
      continue;
    }
    const B* columns = static_cast<const B*>(p.b) + inner.first * p.b_stride + block.column_begin;
    PackPanels<isa>(columns, p.b_stride, block.column_end - block.column_begin, inner.count, scratch);
    RunPanels<isa>(p, block, strips, inner, packed_rows, scratch);
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
