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
  int columns;  // of y and b
  bool accumulate;
};

// Registers of columns that a tile takes at most where they are read from where they are stored: few rows leave room
// for more of them, and memory is read in longer pieces.
PLUMB_INLINE constexpr int StoredRegisters(int rows) { return rows == 1 ? 8 : rows == 2 ? 4 : kPanelRegisters; }

// Asks memory for what a tile reads some rows later.
template <Isa isa, typename B, int kRegisters>
PLUMB_VEC void PrefetchColumns(const B* from) {
  constexpr int kPerLine = 64 / sizeof(B);
  for (int column = 0; column < kRegisters * Vec<isa>::kLanes; column += kPerLine) {
    _mm_prefetch(reinterpret_cast<const char*>(from + column), _MM_HINT_T0);
  }
}

// kWhole: all columns of all registers are there. Numerics: the column product.
template <Isa isa, typename B, int kRows, int kRegisters, bool kWhole>
void RunColumnTile(const ColumnTile<B>& tile) {
  using V = Vec<isa>;
  using Float = typename V::Float;
  const auto there = [&](int c) {
    const int left = tile.columns - c * V::kLanes;
    return left < 0 ? 0 : left < V::kLanes ? left : V::kLanes;
  };
  const auto load = [&](const auto* from, int c) {
    return kWhole ? V::Load(from + c * V::kLanes) : V::LoadTail(from + c * V::kLanes, there(c));
  };
  Float sums[kRows][kRegisters];
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
    const bool continues = tile.accumulate && r < tile.rows;
#pragma GCC unroll 8
    for (int c = 0; c < kRegisters; ++c) sums[r][c] = continues ? load(tile.y + r * tile.y_stride, c) : V::Zero();
  }
  const float* a = tile.a;
  const B* b = tile.b;
  for (int64_t j = 0; j < tile.inner; ++j, a += kRows, b += tile.b_stride) {
    if constexpr (kRegisters > kPanelRegisters) PrefetchColumns<isa, B, kRegisters>(b + kRowsAhead * tile.b_stride);
    Float numbers[kRegisters];
#pragma GCC unroll 8
    for (int c = 0; c < kRegisters; ++c) numbers[c] = load(b, c);
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
      const Float factor = V::Set(a[r]);
#pragma GCC unroll 8
      for (int c = 0; c < kRegisters; ++c) sums[r][c] = V::Fma(factor, numbers[c], sums[r][c]);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
    if (r >= tile.rows) continue;
    float* to = tile.y + r * tile.y_stride;
#pragma GCC unroll 8
    for (int c = 0; c < kRegisters; ++c) {
      if (kWhole) {
        V::Store(to + c * V::kLanes, sums[r][c]);
      } else {
        V::StoreTail(to + c * V::kLanes, sums[r][c], there(c));
      }
    }
  }
}

template <Isa isa, typename B, int kRows>
PLUMB_VEC void RunColumnTile(const ColumnTile<B>& tile) {
  constexpr int kMost = StoredRegisters(kRows);
  if (tile.columns == kMost * Vec<isa>::kLanes) return RunColumnTile<isa, B, kRows, kMost, true>(tile);
  if (tile.columns == kPanelColumns<isa>) return RunColumnTile<isa, B, kRows, kPanelRegisters, true>(tile);
  RunColumnTile<isa, B, kRows, kPanelRegisters, false>(tile);
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
    for (int64_t r = 0; r < strips.rows; r += strips.per_strip, tile.a += strips.height * inner.count + kCopyGap) {
      tile.rows = strips.HeightAt(r);
      tile.y = p.y + (block.row_begin + r) * p.y_stride + column;
      RunColumnTileOf<isa, float>(strips.height, tile);
    }
    panel += inner.count * kPanelColumns<isa> + kCopyGap;
  }
}

// The same of a single strip, whose columns are taken from where they are stored.
template <Isa isa, typename B>
void RunStrip(const ColumnProduct& p, const ResultBlock& block, const Strips& strips, InnerRange inner,
              const float* rows) {
  const int64_t most = StoredRegisters(strips.height) * Vec<isa>::kLanes;
  for (int64_t column = block.column_begin; column < block.column_end;) {
    const int64_t left = block.column_end - column;
    ColumnTile<B> tile;
    tile.a = rows;
    tile.b = static_cast<const B*>(p.b) + inner.first * p.b_stride + column;
    tile.b_stride = p.b_stride;
    tile.y = p.y + block.row_begin * p.y_stride + column;
    tile.y_stride = p.y_stride;
    tile.inner = inner.count;
    tile.rows = strips.HeightAt(0);
    tile.columns = static_cast<int>(left >= most ? most : left < kPanelColumns<isa> ? left : kPanelColumns<isa>);
    tile.accumulate = p.accumulate || inner.first > 0;
    RunColumnTileOf<isa, B>(strips.height, tile);
    column += tile.columns;
  }
}

template <Isa isa, typename B>
void ColumnBlock(const ColumnProduct& p, const ResultBlock& block, float* scratch) {
  const int64_t rows = block.row_end - block.row_begin;
  const int64_t num_strips = (rows + kColumnRows<isa> - 1) / kColumnRows<isa>;
  const int64_t per_strip = (rows + num_strips - 1) / num_strips;
  const Strips strips = {rows, per_strip, TileHeight(per_strip)};
  float* const packed_rows = scratch + kCopiedColumns;
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
