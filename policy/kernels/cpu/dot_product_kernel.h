#ifndef PLUMB_POLICY_KERNELS_CPU_DOT_PRODUCT_KERNEL_H_
#define PLUMB_POLICY_KERNELS_CPU_DOT_PRODUCT_KERNEL_H_

#include "policy/kernels/cpu/dot_product.h"
#include "policy/kernels/cpu/dot_tile.h"
#include "policy/kernels/cpu/numerics.h"
#include "policy/kernels/cpu/vec.h"

namespace plumb::cpu {

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

// Columns whose unfinished sums are held where the depth has several blocks.
inline constexpr int64_t kOpenColumns = 64;

// Strips of rows that take a tile of weights one after the other, while it is in the first-level cache.
inline constexpr int kDotStrips = 4;

// Adds the sums of the depth's earlier blocks, and keeps the result where there are later ones.
template <int kRows>
PLUMB_VEC void JoinOpen(float (*open)[kOpenColumns], int64_t column, bool first, bool last, __m128 (&sums)[kRows]) {
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    if (!first) sums[r] = _mm_add_ps(_mm_load_ps(open[r] + column), sums[r]);
    if (!last) _mm_store_ps(open[r] + column, sums[r]);
  }
}

// One block of the depth of four columns, or fewer at the end of the product.
struct DotPlace {
  int64_t column;
  int count;
  int64_t begin;  // elements of the depth
  int64_t end;
  int64_t ahead;  // as in DotTile
  int ask;
};

// kRows rows from `row` on at a place. `open` has a row for each of them, whose first column is that of the place.
template <Isa isa, typename Weight, typename Output, int kRows, int kAsk>
PLUMB_VEC void DotRows(const DotProduct& p, int64_t row, const DotPlace& place, float (*open)[kOpenColumns],
                       int64_t open_column) {
  DotTile<isa, Weight, kRows, kAsk> tile;
  tile.x = p.x + row * p.x_stride;
  tile.x_stride = p.x_stride;
  const Weight* w = static_cast<const Weight*>(p.w) + place.column * p.w_stride;
  // A missing row is the last one once more; its result is not stored.
  for (int c = 0; c < kDotColumns; ++c) tile.w[c] = w + (c < place.count ? c : place.count - 1) * p.w_stride;
  tile.ahead = place.ahead;
  tile.ask = place.ask;
  __m128 sums[kRows];
  tile.Run(place.begin, place.end, sums);
  JoinOpen(open, open_column, place.begin == 0, place.end == p.depth, sums);
  if (place.end < p.depth) return;
  const Weight* bias = p.bias == nullptr ? nullptr : static_cast<const Weight*>(p.bias) + place.column;
  Output* y = static_cast<Output*>(p.y) + row * p.y_stride + place.column;
  for (int r = 0; r < kRows; ++r) StoreResults(y + r * p.y_stride, sums[r], bias, place.count);
}

// The same where the height is known only now: not inlined, for there are many.
template <Isa isa, typename Weight, typename Output, int kRows, int kAsk>
__attribute__((noinline)) void DotSomeRows(const DotProduct& p, int64_t row, const DotPlace& place,
                                           float (*open)[kOpenColumns], int64_t open_column) {
  DotRows<isa, Weight, Output, kRows, kAsk>(p, row, place, open, open_column);
}

template <Isa isa, typename Weight, typename Output, int kAsk>
PLUMB_VEC void DotRowsOf(int height, const DotProduct& p, int64_t row, const DotPlace& place,
                         float (*open)[kOpenColumns], int64_t open_column) {
  if constexpr (kDotRows < isa >> 3) {
    if (height == 6) return DotSomeRows<isa, Weight, Output, 6, kAsk>(p, row, place, open, open_column);
    if (height == 5) return DotSomeRows<isa, Weight, Output, 5, kAsk>(p, row, place, open, open_column);
    if (height == 4) return DotSomeRows<isa, Weight, Output, 4, kAsk>(p, row, place, open, open_column);
  }
  // Two strips and more are never lower than half of the tallest one.
  if (height == 3) return DotSomeRows<isa, Weight, Output, 3, kAsk>(p, row, place, open, open_column);
  DotSomeRows<isa, Weight, Output, 2, kAsk>(p, row, place, open, open_column);
}

// Rows first ... first + count - 1 of a product.
struct DotPanel {
  int64_t first;
  int64_t count;
  int num_strips;  // of nearly the same height: one of a single row would leave most of the registers idle
  bool asks;       // memory for weights; a later panel finds them in a cache
};

// A panel's strips, several of them, at a place: the first two ask for the next tile of weights.
template <Isa isa, typename Weight, typename Output>
PLUMB_VEC void DotStrips(const DotProduct& p, const DotPanel& panel, DotPlace place, float (*open)[kOpenColumns],
                         int64_t open_column) {
  int64_t row = 0;
  for (int strip = 0; strip < panel.num_strips; ++strip) {
    const int64_t left = panel.num_strips - strip;
    const int height = static_cast<int>((panel.count - row + left - 1) / left);
    place.ask = 2 * strip;
    if (strip < 2 && panel.asks) {
      DotRowsOf<isa, Weight, Output, 2>(height, p, panel.first + row, place, open + row, open_column);
    } else {
      DotRowsOf<isa, Weight, Output, 0>(height, p, panel.first + row, place, open + row, open_column);
    }
    row += height;
  }
}

// Columns of a block, kOpenColumns at most, and a block of the depth.
struct DotGroup {
  int64_t begin;
  int64_t end;
  int64_t depth;
};

// From the weights at a place of a group to those of the next place; 0 where there is none.
PLUMB_VEC int64_t ToNextPlace(const DotProduct& p, const ResultBlock& block, const DotGroup& group,
                              const DotPlace& place) {
  if (place.column + kDotColumns < group.end) return kDotColumns * p.w_stride;
  if (place.end < p.depth) return (group.begin - place.column) * p.w_stride + kDotBlock;
  return group.end < block.column_end ? (group.end - place.column) * p.w_stride - place.begin : 0;
}

// kOnlyHeight: the height of the only strip; 0 where there are several.
template <Isa isa, typename Weight, typename Output, int kOnlyHeight>
PLUMB_VEC void DotGroupOf(const DotProduct& p, const ResultBlock& block, const DotPanel& panel, const DotGroup& group,
                          float (*open)[kOpenColumns]) {
  const int64_t last = p.depth - group.depth < kDotBlock ? p.depth : group.depth + kDotBlock;
  for (int64_t column = group.begin; column < group.end; column += kDotColumns) {
    const int count = group.end - column < kDotColumns ? static_cast<int>(group.end - column) : kDotColumns;
    DotPlace place = {column, count, group.depth, last, /*ahead=*/0, /*ask=*/0};
    place.ahead = ToNextPlace(p, block, group, place);
    if constexpr (kOnlyHeight > 0) {
      DotRows<isa, Weight, Output, kOnlyHeight, 4>(p, panel.first, place, open, column - group.begin);
    } else {
      DotStrips<isa, Weight, Output>(p, panel, place, open, column - group.begin);
    }
  }
}

// A panel's rows against the columns of the block. The depth's blocks come outside of the columns, so that the rows'
// part of one stays in the first-level cache while the weights pass by; each tile of weights comes from memory once,
// asked for while the strips work on the one before.
template <Isa isa, typename Weight, typename Output, int kOnlyHeight>
void DotPanelOf(const DotProduct& p, const ResultBlock& block, const DotPanel& panel) {
  alignas(16) float open[kDotStrips * kDotRows<isa>][kOpenColumns];
  for (int64_t begin = block.column_begin; begin < block.column_end; begin += kOpenColumns) {
    const int64_t end = block.column_end - begin < kOpenColumns ? block.column_end : begin + kOpenColumns;
    for (int64_t depth = 0; depth == 0 || depth < p.depth; depth += kDotBlock) {
      DotGroupOf<isa, Weight, Output, kOnlyHeight>(p, block, panel, {begin, end, depth}, open);
    }
  }
}

template <Isa isa, typename Weight, typename Output>
PLUMB_VEC void DotPanelOfHeight(const DotProduct& p, const ResultBlock& block, const DotPanel& panel) {
  if (panel.num_strips > 1) return DotPanelOf<isa, Weight, Output, 0>(p, block, panel);
  if constexpr (kDotRows < isa >> 3) {
    if (panel.count == 6) return DotPanelOf<isa, Weight, Output, 6>(p, block, panel);
    if (panel.count == 5) return DotPanelOf<isa, Weight, Output, 5>(p, block, panel);
    if (panel.count == 4) return DotPanelOf<isa, Weight, Output, 4>(p, block, panel);
  }
  if (panel.count == 3) return DotPanelOf<isa, Weight, Output, 3>(p, block, panel);
  if (panel.count == 2) return DotPanelOf<isa, Weight, Output, 2>(p, block, panel);
  DotPanelOf<isa, Weight, Output, 1>(p, block, panel);
}

template <Isa isa, typename Weight, typename Output>
void DotBlock(const DotProduct& p, const ResultBlock& block) {
  int64_t row = block.row_begin;
  for (int64_t left = block.row_end - row; left > 0; left = block.row_end - row) {
    const int64_t strips = (left + kDotRows<isa> - 1) / kDotRows<isa>;
    const int64_t panels = (strips + kDotStrips - 1) / kDotStrips;
    const int64_t here = (strips + panels - 1) / panels;
    const DotPanel panel = {row, (left * here + strips - 1) / strips, static_cast<int>(here), row == block.row_begin};
    DotPanelOfHeight<isa, Weight, Output>(p, block, panel);
    row += panel.count;
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
