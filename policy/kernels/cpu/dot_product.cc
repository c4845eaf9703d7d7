#include "policy/kernels/cpu/dot_product.h"

#include <algorithm>
#include <vector>

#include "policy/kernels/cpu/isa.h"
#include "policy/kernels/cpu/parallel.h"
#include "policy/kernels/cpu/row_functions.h"

namespace plumb::cpu {
namespace {

// Weights that stay in a core's second-level cache while the rows of x pass by.
constexpr int64_t kCachedWeightBytes = 192 << 10;
// A task below this is not worth a thread: some microseconds.
constexpr int64_t kProductsPerTask = 1 << 17;
// Rows of x per task, so that one product of many rows makes tasks for all threads.
constexpr int64_t kRowsPerTask = 384;
constexpr int64_t kColumnsPerTile = 4;

struct Task {
  int64_t product;
  ResultBlock block;
};

int64_t ColumnsPerTask(const DotProduct& p, FloatType weight) {
  const int64_t row_bytes = std::max<int64_t>(1, p.depth * BytesOf(weight));
  const int64_t cached = std::max(kColumnsPerTile, kCachedWeightBytes / row_bytes);
  const int64_t worth = kProductsPerTask / std::max<int64_t>(1, p.depth * std::min(p.rows, kRowsPerTask));
  const int64_t columns = std::clamp(worth, kColumnsPerTile, cached);
  return (columns + kColumnsPerTile - 1) / kColumnsPerTile * kColumnsPerTile;
}

// Tasks for the first `num_columns` of a product's columns, `columns` each.
void AddTasks(const DotProduct& p, int64_t index, int64_t num_columns, int64_t columns, std::vector<Task>& tasks) {
  for (int64_t row = 0; row < p.rows; row += kRowsPerTask) {
    for (int64_t column = 0; column < num_columns; column += columns) {
      tasks.push_back(
          {index, {row, std::min(row + kRowsPerTask, p.rows), column, std::min(column + columns, num_columns)}});
    }
  }
}

using RunBlock = void (*)(const DotProduct& product, DotTypes types, const ResultBlock& block);

RunBlock ActiveBlock() { return ActiveIsa() == Isa::kAvx512 ? DotBlockAvx512 : DotBlockAvx2; }

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
  const RunBlock run = ActiveBlock();
  run(gate_up, types, block);
  run(gate_up, types, up);
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
  std::vector<Task>& tasks = EmptyTasks();
  for (int64_t index = 0; index < count; ++index) {
    const DotProduct& product = products[index];
    AddTasks(product, index, product.columns, ColumnsPerTask(product, types.weight), tasks);
  }
  const RunBlock run = ActiveBlock();
  const Task* all = tasks.data();
  ParallelTasks(static_cast<int64_t>(tasks.size()),
                [&](int64_t task) { run(products[all[task].product], types, all[task].block); });
}

void RunGatedProducts(const GatedProduct* products, int64_t count, DotTypes types) {
  std::vector<Task>& tasks = EmptyTasks();
  for (int64_t index = 0; index < count; ++index) {
    const DotProduct& product = products[index].gate_up;
    const int64_t tiles = ColumnsPerTask(product, types.weight) / (2 * kColumnsPerTile);
    const int64_t columns = std::max<int64_t>(1, tiles) * kColumnsPerTile;
    AddTasks(product, index, product.columns / 2, columns, tasks);
  }
  const Task* all = tasks.data();
  ParallelTasks(static_cast<int64_t>(tasks.size()),
                [&](int64_t task) { RunGatedBlock(products[all[task].product], types, all[task].block); });
}

}  // namespace plumb::cpu
