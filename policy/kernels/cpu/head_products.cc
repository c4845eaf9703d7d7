#include "policy/kernels/cpu/head_products.h"

#include <algorithm>

#include "policy/kernels/cpu/attention_scratch.h"
#include "policy/kernels/cpu/key_blocks.h"
#include "policy/kernels/cpu/parallel.h"

namespace plumb::cpu {
namespace {

constexpr int64_t kTokensPerTask = 64;
// Multiplications that are worth waking threads for.
constexpr int64_t kParallelWork = int64_t{1} << 17;

// Works on some tokens of one head, in its thread's scratch memory.
class HeadWorker {
 public:
  HeadWorker(const HeadProducts& products, const AttentionKernels& kernels)
      : products_(products),
        kernels_(kernels),
        inner_stride_(RoundedToLanes(kernels, products.inner)),
        column_stride_(RoundedToLanes(kernels, products.columns)),
        scratch_(ScratchUse::kUnit, ScratchSize()) {
    if (Widens()) {
      rows_ = scratch_.Take(kTokensPerTask * inner_stride_);
      results_ = scratch_.Take(kTokensPerTask * column_stride_);
    }
    if (!InPlace()) matrix_ = scratch_.Take(MatrixSize());
  }

  void Run(int64_t head, int64_t first, int64_t count) {
    WeightedSum product = RowsOf(head, first, count);
    const void* matrix = ElementAt(products_.matrices, products_.type, head * products_.matrix_stride);
    if (products_.column_stride == 1) {
      MultiplyWhole(matrix, product);
    } else {
      MultiplyPanels(matrix, product);
    }
    if (!Widens()) return;
    const HeadRows to = {
        products_.type,         products_.num_heads * products_.columns, 1, static_cast<int>(products_.columns), 0,
        static_cast<int>(count)};
    kernels_.write(results_, column_stride_, nullptr, to, ElementAt(products_.output, to.type, Place(head, first)));
  }

 private:
  bool Widens() const { return products_.type != FloatType::kFloat32; }
  bool InPlace() const { return !Widens() && products_.column_stride == 1; }

  int64_t MatrixSize() const {
    return products_.inner * (products_.column_stride == 1 ? column_stride_ : kMaxChunkRows);
  }

  int64_t ScratchSize() const {
    const int64_t rows = Widens() ? kTokensPerTask * (inner_stride_ + column_stride_) : 0;
    return AttentionScratch::Rounded(rows) + (InPlace() ? 0 : AttentionScratch::Rounded(MatrixSize()));
  }

  int64_t Place(int64_t head, int64_t token) const { return (token * products_.num_heads + head) * products_.columns; }

  // The product but for its matrix.
  WeightedSum RowsOf(int64_t head, int64_t first, int64_t count) {
    const void* from =
        ElementAt(products_.input, products_.type, first * products_.token_stride + head * products_.head_stride);
    WeightedSum product;
    product.inner_stride = 1;
    product.inner = products_.inner;
    product.rows = static_cast<int>(count);
    product.columns = static_cast<int>(products_.columns);
    product.from_zero = true;
    if (Widens()) {
      const HeadRows rows = {products_.type,         products_.token_stride, 1, static_cast<int>(products_.inner), 0,
                             static_cast<int>(count)};
      kernels_.widen(from, rows, rows_, inner_stride_);
      product.a = rows_;
      product.row_stride = inner_stride_;
      product.y = results_;
      product.y_stride = column_stride_;
    } else {
      product.a = static_cast<const float*>(from);
      product.row_stride = products_.token_stride;
      product.y = static_cast<float*>(products_.output) + Place(head, first);
      product.y_stride = products_.num_heads * products_.columns;
    }
    return product;
  }

  void MultiplyWhole(const void* matrix, WeightedSum product) {
    if (InPlace()) {
      product.b = static_cast<const float*>(matrix);
      product.b_stride = products_.inner_stride;
    } else {
      const HeadRows rows = {
          products_.type, products_.inner_stride, 1, product.columns, 0, static_cast<int>(products_.inner)};
      kernels_.widen(matrix, rows, matrix_, column_stride_);
      product.b = matrix_;
      product.b_stride = column_stride_;
    }
    kernels_.weighted_sum(product);
  }

  // Columns lie apart: some at a time are brought side by side.
  void MultiplyPanels(const void* matrix, WeightedSum product) {
    float* const y = product.y;
    HeadRows columns = {products_.type, products_.column_stride, 1, static_cast<int>(products_.inner)};
    product.b = matrix_;
    product.b_stride = kMaxChunkRows;
    for (int64_t column = 0; column < products_.columns; column += kernels_.chunk_rows) {
      columns.begin = static_cast<int>(column);
      columns.count = static_cast<int>(std::min<int64_t>(products_.columns - column, kernels_.chunk_rows));
      kernels_.pack_by_lane(matrix, columns, 1.0f, matrix_);
      product.columns = columns.count;
      product.y = y + column;
      kernels_.weighted_sum(product);
    }
  }

  const HeadProducts& products_;
  const AttentionKernels& kernels_;
  const int64_t inner_stride_;
  const int64_t column_stride_;
  AttentionScratch scratch_;
  float* rows_ = nullptr;
  float* results_ = nullptr;
  float* matrix_ = nullptr;
};

}  // namespace

void RunHeadProducts(const HeadProducts& products) {
  const AttentionKernels& kernels = ActiveAttentionKernels();
  const int64_t blocks = (products.num_tokens + kTokensPerTask - 1) / kTokensPerTask;
  const int64_t tasks = blocks * products.num_heads;
  const auto run = [&](int64_t task) {
    const int64_t first = task / products.num_heads * kTokensPerTask;
    HeadWorker(products, kernels)
        .Run(task % products.num_heads, first, std::min(kTokensPerTask, products.num_tokens - first));
  };
  if (products.num_tokens * products.num_heads * products.inner * products.columns >= kParallelWork) {
    ParallelTasks(tasks, run);
  } else {
    for (int64_t task = 0; task < tasks; ++task) run(task);
  }
}

}  // namespace plumb::cpu
