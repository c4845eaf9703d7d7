#ifndef PLUMB_POLICY_KERNELS_CPU_DOT_PRODUCT_H_
#define PLUMB_POLICY_KERNELS_CPU_DOT_PRODUCT_H_

#include <cstdint>

#include "policy/kernels/cpu/float_type.h"
#include "policy/kernels/cpu/numerics.h"

// Products with weights as they are stored and published: one row of D elements per result column. The rows are the
// kernel's own order: lanes run along a row, so a vector of the batch reads each weight row once, from its start to its
// end, at the speed of memory, and there is no packed copy to keep, to publish, to digest or to train.
namespace plumb::cpu {

// y[m, n] = sum over d of x[m, d] * w[n, d] + bias[n], by the dot-product rule of numerics.h. Strides are in elements.
struct DotProduct {
  const float* x = nullptr;    // [M, D] rows
  int64_t x_stride = 0;        // from one row to the next
  const void* w = nullptr;     // rows of D, one per column of y
  int64_t w_stride = 0;        // from one row to the next
  const void* bias = nullptr;  // of the weights' type, or null
  void* y = nullptr;           // [M, columns] rows
  int64_t y_stride = 0;        // from one row to the next
  int64_t rows = 0;            // M
  int64_t columns = 0;         // rows of w
  int64_t depth = 0;           // D
};

struct DotTypes {
  FloatType weight = FloatType::kFloat32;
  FloatType output = FloatType::kFloat32;  // kBf16 with bfloat16 weights only
};

// A part of the results.
struct ResultBlock {
  int64_t row_begin = 0;
  int64_t row_end = 0;
  int64_t column_begin = 0;
  int64_t column_end = 0;
};

// Runs all products in one parallel region; they may share inputs, not outputs.
void RunDotProducts(const DotProduct* products, int64_t count, DotTypes types);

// A product with the rows of a gate, then as many rows up, and silu(gate) * up of the results: each is rounded to the
// type of the output first.
struct GatedProduct {
  DotProduct gate_up;     // its y is left with the product's results
  void* gated = nullptr;  // [M, columns / 2] of the output's type, rows side by side
};

// Runs all of them in one parallel region, as above.
void RunGatedProducts(const GatedProduct* products, int64_t count, DotTypes types);

// A block has this many rows at most, and as many columns as make at most kPackedWeights elements with the depth: they
// stay in a core's second-level cache while the rows of x pass by. The depth counts in whole registers there, and as
// kDotBlock where it is more.
inline constexpr int64_t kDotBlockRows = 384;
inline constexpr int64_t kPackedWeights = 48 * kDotBlock;
// Rows of x that are copied at once.
inline constexpr int64_t kPackedRows = 6;
// Room that a block needs, in elements.
inline constexpr int64_t kDotScratch = kPackedWeights + kPackedRows * kDotBlock + 48 * kDotBlockRows;

// One block in the caller's thread, by the named class; RunDotProducts() is made of these.
void DotBlockAvx2(const DotProduct& product, DotTypes types, const ResultBlock& block, float* scratch);
void DotBlockAvx512(const DotProduct& product, DotTypes types, const ResultBlock& block, float* scratch);

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_DOT_PRODUCT_H_
