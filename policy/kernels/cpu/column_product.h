#ifndef PLUMB_POLICY_KERNELS_CPU_COLUMN_PRODUCT_H_
#define PLUMB_POLICY_KERNELS_CPU_COLUMN_PRODUCT_H_

#include <cstdint>

#include "policy/kernels/cpu/dot_product.h"
#include "policy/kernels/cpu/float_type.h"

// Products with matrices whose columns lie side by side: the way into and out of the latent space, and all gradients.
namespace plumb::cpu {

// y[m, c] = sum over j of a[m, j] * b[j, c], by the column-product rule of numerics.h; with `accumulate` the sum starts
// from y. Strides are in elements. One of those of `a` is 1: that of the inner index, or, for a's transpose, of the
// rows.
struct ColumnProduct {
  const float* a = nullptr;
  int64_t a_row_stride = 0;
  int64_t a_inner_stride = 0;
  const void* b = nullptr;  // rows of `columns`
  int64_t b_stride = 0;     // from one row to the next
  float* y = nullptr;       // rows of `columns`
  int64_t y_stride = 0;     // from one row to the next
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t inner = 0;
  bool accumulate = false;
};

// Runs all products in one parallel region; they may share inputs, not outputs.
//   type  of b
void RunColumnProducts(const ColumnProduct* products, int64_t count, FloatType type);

// A block has this many rows and columns at most, and works this many inner indices at a time.
inline constexpr int64_t kColumnBlockRows = 132;
inline constexpr int64_t kColumnBlockColumns = 256;
inline constexpr int64_t kColumnBlockInner = 256;
// Numbers between copied panels of columns, and between copied strips of rows: a line, lest those that are written side
// by side push each other out of the cache.
inline constexpr int64_t kCopyGap = 16;
// Room that a block needs, in elements: for its columns, in panels of 16 or more, and for its rows, in strips of up to
// twice their number.
inline constexpr int64_t kCopiedColumns = kColumnBlockColumns * kColumnBlockInner + kColumnBlockColumns / 16 * kCopyGap;
inline constexpr int64_t kColumnScratch = kCopiedColumns + kColumnBlockRows * (2 * kColumnBlockInner + kCopyGap);

// One block in the caller's thread, by the named class; RunColumnProducts() is made of these.
void ColumnBlockAvx2(const ColumnProduct& product, FloatType type, const ResultBlock& block, float* scratch);
void ColumnBlockAvx512(const ColumnProduct& product, FloatType type, const ResultBlock& block, float* scratch);

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_COLUMN_PRODUCT_H_
