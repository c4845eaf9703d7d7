#include "policy/kernels/cpu/column_product.h"

#include <algorithm>
#include <vector>

#include "policy/kernels/cpu/isa.h"
#include "policy/kernels/cpu/parallel.h"
#include "policy/kernels/cpu/scratch.h"
#include "policy/kernels/cpu/task_size.h"

namespace plumb::cpu {
namespace {

constexpr int64_t kColumnsPerTile = 32;

struct Task {
  int64_t product;
  ResultBlock block;
};

// Tasks of about so many multiplications, if their rows and columns may be as many.
void AddTasks(const ColumnProduct& p, int64_t index, int64_t multiplications, std::vector<Task>& tasks) {
  const int64_t height = std::min(p.rows, kColumnBlockRows);
  const int64_t worth = multiplications / std::max<int64_t>(1, p.inner * height);
  const int64_t columns = std::clamp((worth + kColumnsPerTile - 1) / kColumnsPerTile * kColumnsPerTile, kColumnsPerTile,
                                     kColumnBlockColumns);
  for (int64_t row = 0; row < p.rows; row += kColumnBlockRows) {
    for (int64_t column = 0; column < p.columns; column += columns) {
      tasks.push_back(
          {index, {row, std::min(row + kColumnBlockRows, p.rows), column, std::min(column + columns, p.columns)}});
    }
  }
}

}  // namespace

void RunColumnProducts(const ColumnProduct* products, int64_t count, FloatType type) {
  thread_local std::vector<Task> tasks;  // kept: a decode step allocates nothing
  tasks.clear();
  TaskSize size;
  for (int64_t index = 0; index < count; ++index) {
    size.Add(products[index].rows * products[index].columns * products[index].inner);
  }
  for (int64_t index = 0; index < count; ++index) AddTasks(products[index], index, size.multiplications(), tasks);
  const auto run = ActiveIsa() == Isa::kAvx512 ? ColumnBlockAvx512 : ColumnBlockAvx2;
  const Task* all = tasks.data();
  ParallelTasks(static_cast<int64_t>(tasks.size()), [&](int64_t task) {
    float* const scratch = Scratch(ScratchUse::kProduct, kColumnScratch).Take(kColumnScratch);
    run(products[all[task].product], type, all[task].block, scratch);
  });
}

}  // namespace plumb::cpu
