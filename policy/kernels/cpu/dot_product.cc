#include "policy/kernels/cpu/dot_product.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "policy/kernels/cpu/isa.h"
#include "policy/kernels/cpu/parallel.h"
#include "policy/kernels/cpu/row_functions.h"
#include "policy/kernels/cpu/scratch.h"
#include "policy/kernels/cpu/task_size.h"

namespace plumb::cpu {
namespace {

// Tasks of fewer rows would copy weights too often.
constexpr int64_t kMinRows = 96;
constexpr int64_t kColumnsPerTile = 4;
constexpr int64_t kMostLanes = 16;

struct Task {
  int64_t product;
  ResultBlock block;
};

int64_t RoundedUp(int64_t count, int64_t unit) { return (count + unit - 1) / unit * unit; }

int64_t Multiplications(const DotProduct& p) { return p.rows * p.columns * p.depth; }

struct Shape {
  int64_t rows;
  int64_t columns;
};

// Of about so many multiplications. Copying the rows costs the less the more columns there are, and the other way
// round.
Shape TaskShape(const DotProduct& p, int64_t multiplications) {
  const int64_t depth = RoundedUp(std::clamp<int64_t>(p.depth, 1, kDotBlock), kMostLanes);
  const int64_t most = kPackedWeights / depth / kColumnsPerTile * kColumnsPerTile;
  const int64_t area = multiplications / std::max<int64_t>(1, p.depth);
  const int64_t side = static_cast<int64_t>(std::sqrt(static_cast<double>(area)));
  const int64_t rows = std::min(p.rows, std::clamp(side, kMinRows, kDotBlockRows));
  const int64_t columns = RoundedUp(area / std::max<int64_t>(1, rows), kColumnsPerTile);
  return {std::max<int64_t>(1, rows), std::clamp(columns, kColumnsPerTile, most)};
}

// Tasks for the first `num_columns` of a product's columns.
void AddTasks(const DotProduct& p, int64_t index, int64_t num_columns, const Shape& shape, std::vector<Task>& tasks) {
  for (int64_t row = 0; row < p.rows; row += shape.rows) {
    for (int64_t column = 0; column < num_columns; column += shape.columns) {
      tasks.push_back(
          {index, {row, std::min(row + shape.rows, p.rows), column, std::min(column + shape.columns, num_columns)}});
    }
  }
}

void RunTask(const DotProduct& product, DotTypes types, const ResultBlock& block) {
  float* const scratch = Scratch(ScratchUse::kProduct, kDotScratch).Take(kDotScratch);
  (ActiveIsa() == Isa::kAvx512 ? DotBlockAvx512 : DotBlockAvx2)(product, types, block, scratch);
}

// Each thread's list of tasks; kept, so that a decode step allocates nothing.
std::vector<Task>& EmptyTasks() {
  thread_local std::vector<Task> tasks;
  tasks.clear();
  return tasks;
}

// The block's columns of the gate, then those up, then what they make while they are in the core's cache.
void RunGatedBlock(const GatedProduct& product, DotTypes types, const ResultBlock& block) {
  const DotProduct& gate_up = product.gate_up;
  const int64_t width = gate_up.columns / 2;
  ResultBlock up = block;
  up.column_begin += width;
  up.column_end += width;
  RunTask(gate_up, types, block);
  RunTask(gate_up, types, up);
  const auto at = [&](void* array, int64_t column) {
    return static_cast<char*>(array) + column * BytesOf(types.output);
  };
  const SwigluRows rows = {.gate = at(gate_up.y, block.column_begin),
                           .up = at(gate_up.y, up.column_begin),
                           .x_stride = gate_up.y_stride,
                           .y = at(product.gated, block.column_begin),
                           .y_stride = width,
                           .width = block.column_end - block.column_begin,
                           .type = types.output};
  ActiveRowFunctions().swiglu(rows, block.row_begin, block.row_end);
}

}  // namespace

void RunDotProducts(const DotProduct* products, int64_t count, DotTypes types) {
  TaskSize size;
  for (int64_t index = 0; index < count; ++index) size.Add(Multiplications(products[index]));
  std::vector<Task>& tasks = EmptyTasks();
  for (int64_t index = 0; index < count; ++index) {
    const DotProduct& product = products[index];
    AddTasks(product, index, product.columns, TaskShape(product, size.multiplications()), tasks);
  }
  const Task* all = tasks.data();
  ParallelTasks(static_cast<int64_t>(tasks.size()),
                [&](int64_t task) { RunTask(products[all[task].product], types, all[task].block); });
}

void RunGatedProducts(const GatedProduct* products, int64_t count, DotTypes types) {
  TaskSize size;
  for (int64_t index = 0; index < count; ++index) size.Add(Multiplications(products[index].gate_up));
  std::vector<Task>& tasks = EmptyTasks();
  for (int64_t index = 0; index < count; ++index) {
    const DotProduct& product = products[index].gate_up;
    AddTasks(product, index, product.columns / 2, TaskShape(product, size.multiplications() / 2), tasks);
  }
  const Task* all = tasks.data();
  ParallelTasks(static_cast<int64_t>(tasks.size()),
                [&](int64_t task) { RunGatedBlock(products[all[task].product], types, all[task].block); });
}

}  // namespace plumb::cpu
