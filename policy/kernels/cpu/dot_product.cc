#include "policy/kernels/cpu/dot_product.h"

#include <algorithm>
#include <vector>

#include "policy/kernels/cpu/isa.h"
#include "policy/kernels/cpu/parallel.h"

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
  const int64_t row_bytes = std::max<int64_t>(1, p.depth * (weight == FloatType::kFloat32 ? 4 : 2));
  const int64_t cached = std::max(kColumnsPerTile, kCachedWeightBytes / row_bytes);
  const int64_t worth = kProductsPerTask / std::max<int64_t>(1, p.depth * std::min(p.rows, kRowsPerTask));
  const int64_t columns = std::clamp(worth, kColumnsPerTile, cached);
  return (columns + kColumnsPerTile - 1) / kColumnsPerTile * kColumnsPerTile;
}

void AddTasks(const DotProduct& p, int64_t index, FloatType weight, std::vector<Task>& tasks) {
  const int64_t columns = ColumnsPerTask(p, weight);
  for (int64_t row = 0; row < p.rows; row += kRowsPerTask) {
    for (int64_t column = 0; column < p.columns; column += columns) {
      tasks.push_back(
          {index, {row, std::min(row + kRowsPerTask, p.rows), column, std::min(column + columns, p.columns)}});
    }
  }
}

}  // namespace

void RunDotProducts(const DotProduct* products, int64_t count, DotTypes types) {
  thread_local std::vector<Task> tasks;  // kept: a decode step allocates nothing
  tasks.clear();
  for (int64_t index = 0; index < count; ++index) AddTasks(products[index], index, types.weight, tasks);
  const auto run = ActiveIsa() == Isa::kAvx512 ? DotBlockAvx512 : DotBlockAvx2;
  const Task* all = tasks.data();
  ParallelTasks(static_cast<int64_t>(tasks.size()),
                [&](int64_t task) { run(products[all[task].product], types, all[task].block); });
}

}  // namespace plumb::cpu
