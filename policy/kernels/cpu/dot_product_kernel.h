#ifndef PLUMB_POLICY_KERNELS_CPU_DOT_PRODUCT_KERNEL_H_
#define PLUMB_POLICY_KERNELS_CPU_DOT_PRODUCT_KERNEL_H_

#include "policy/kernels/cpu/dot_product.h"
#include "policy/kernels/cpu/dot_tile.h"
#include "policy/kernels/cpu/numerics.h"
#include "policy/kernels/cpu/packed_dot_kernel.h"
#include "policy/kernels/cpu/vec.h"

// Products of few rows, which stream: each tile of weights comes from memory once, asked for while the strips of rows
// work on the one before.
namespace plumb::cpu {

// Columns whose unfinished sums are held where the depth has several blocks.
inline constexpr int64_t kOpenColumns = 64;

// Strips of rows that take a tile of weights one after the other, while it is in the first-level cache.
inline constexpr int kDotStrips = 4;

// Rows that stream; more of them are copied first.
template <Isa isa>
inline constexpr int64_t kStreamedRows = kDotStrips* kDotRows<isa>;

// Sums of the block's rows that have not seen the whole depth, of columns from that of a group on.
using StreamedSums = float (*)[kOpenColumns];

// One block of the depth of four columns, or fewer at the end of the product.
struct DotTilePlace {
  int64_t column;
  int count;
  int64_t begin;  // elements of the depth
  int64_t end;
  int64_t ahead;  // as in DotTile
  int ask;
};

// kRows rows from `row` on at a place. `open` is that of the first of them at the place's column.
template <Isa isa, typename Weight, typename Output, int kRows, int kAsk>
PLUMB_VEC void DotRows(const DotProduct& p, int64_t row, const DotTilePlace& place, float* open) {
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
  TakeSums<Output, Weight, kRows>(p, {row, place.column, place.count}, place.begin, place.end, {open, kOpenColumns},
                                  sums);
}

// The same where the height is known only now: not inlined, for there are many.
template <Isa isa, typename Weight, typename Output, int kRows, int kAsk>
__attribute__((noinline)) void DotSomeRows(const DotProduct& p, int64_t row, const DotTilePlace& place, float* open) {
  DotRows<isa, Weight, Output, kRows, kAsk>(p, row, place, open);
}

template <Isa isa, typename Weight, typename Output, int kAsk>
PLUMB_VEC void DotRowsOf(int height, const DotProduct& p, int64_t row, const DotTilePlace& place, float* open) {
  if constexpr (kDotRows < isa >> 3) {
    if (height == 6) return DotSomeRows<isa, Weight, Output, 6, kAsk>(p, row, place, open);
    if (height == 5) return DotSomeRows<isa, Weight, Output, 5, kAsk>(p, row, place, open);
    if (height == 4) return DotSomeRows<isa, Weight, Output, 4, kAsk>(p, row, place, open);
  }
  // Two strips and more are never lower than half of the tallest one.
  if (height == 3) return DotSomeRows<isa, Weight, Output, 3, kAsk>(p, row, place, open);
  DotSomeRows<isa, Weight, Output, 2, kAsk>(p, row, place, open);
}

// Strips of nearly the same height at a place: one of a single row would leave most of the registers idle. The first
// two ask for the next tile of weights.
template <Isa isa, typename Weight, typename Output>
PLUMB_VEC void DotStrips(const DotProduct& p, const ResultBlock& block, DotTilePlace place, StreamedSums open,
                         int64_t open_column) {
  const int64_t rows = block.row_end - block.row_begin;
  const int64_t num_strips = (rows + kDotRows<isa> - 1) / kDotRows<isa>;
  int64_t row = 0;
  for (int64_t strip = 0; strip < num_strips; ++strip) {
    const int64_t left = num_strips - strip;
    const int height = static_cast<int>((rows - row + left - 1) / left);
    float* const sums = open[row] + open_column;
    place.ask = static_cast<int>(2 * strip);
    if (strip < 2) {
      DotRowsOf<isa, Weight, Output, 2>(height, p, block.row_begin + row, place, sums);
    } else {
      DotRowsOf<isa, Weight, Output, 0>(height, p, block.row_begin + row, place, sums);
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
                              const DotTilePlace& place) {
  if (place.column + kDotColumns < group.end) return kDotColumns * p.w_stride;
  if (place.end < p.depth) return (group.begin - place.column) * p.w_stride + kDotBlock;
  return group.end < block.column_end ? (group.end - place.column) * p.w_stride - place.begin : 0;
}

// kOnlyHeight: the height of the only strip; 0 where there are several.
template <Isa isa, typename Weight, typename Output, int kOnlyHeight>
PLUMB_VEC void DotGroupOf(const DotProduct& p, const ResultBlock& block, const DotGroup& group, StreamedSums open) {
  const int64_t last = p.depth - group.depth < kDotBlock ? p.depth : group.depth + kDotBlock;
  for (int64_t column = group.begin; column < group.end; column += kDotColumns) {
    const int count = group.end - column < kDotColumns ? static_cast<int>(group.end - column) : kDotColumns;
    DotTilePlace place = {column, count, group.depth, last, /*ahead=*/0, /*ask=*/0};
    place.ahead = ToNextPlace(p, block, group, place);
    const int64_t open_column = column - group.begin;
    if constexpr (kOnlyHeight > 0) {
      DotRows<isa, Weight, Output, kOnlyHeight, 4>(p, block.row_begin, place, open[0] + open_column);
    } else {
      DotStrips<isa, Weight, Output>(p, block, place, open, open_column);
    }
  }
}

// The depth's blocks come outside of the columns, so that the rows' part of one stays in the first-level cache while
// the weights pass by.
template <Isa isa, typename Weight, typename Output, int kOnlyHeight>
void StreamedDotBlock(const DotProduct& p, const ResultBlock& block) {
  alignas(16) float open[kStreamedRows<isa>][kOpenColumns];
  for (int64_t begin = block.column_begin; begin < block.column_end; begin += kOpenColumns) {
    const int64_t end = block.column_end - begin < kOpenColumns ? block.column_end : begin + kOpenColumns;
    for (int64_t depth = 0; depth == 0 || depth < p.depth; depth += kDotBlock) {
      DotGroupOf<isa, Weight, Output, kOnlyHeight>(p, block, {begin, end, depth}, open);
    }
  }
}

template <Isa isa, typename Weight, typename Output>
void DotBlock(const DotProduct& p, const ResultBlock& block, float* scratch) {
  const int64_t rows = block.row_end - block.row_begin;
  if (rows > kStreamedRows<isa>) return PackedDotBlock<isa, Weight, Output>(p, block, scratch);
  if (rows > kDotRows<isa>) return StreamedDotBlock<isa, Weight, Output, 0>(p, block);
  if constexpr (kDotRows < isa >> 3) {
    if (rows == 6) return StreamedDotBlock<isa, Weight, Output, 6>(p, block);
    if (rows == 5) return StreamedDotBlock<isa, Weight, Output, 5>(p, block);
    if (rows == 4) return StreamedDotBlock<isa, Weight, Output, 4>(p, block);
  }
  if (rows == 3) return StreamedDotBlock<isa, Weight, Output, 3>(p, block);
  if (rows == 2) return StreamedDotBlock<isa, Weight, Output, 2>(p, block);
  StreamedDotBlock<isa, Weight, Output, 1>(p, block);
}

template <Isa isa>
void DotBlockOfTypes(const DotProduct& product, DotTypes types, const ResultBlock& block, float* scratch) {
  if (types.weight == FloatType::kFloat32) {
    DotBlock<isa, float, float>(product, block, scratch);
  } else if (types.output == FloatType::kFloat32) {
    DotBlock<isa, Bf16, float>(product, block, scratch);
  } else {
    DotBlock<isa, Bf16, Bf16>(product, block, scratch);
  }
}

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_DOT_PRODUCT_KERNEL_H_
