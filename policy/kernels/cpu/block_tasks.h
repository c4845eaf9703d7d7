#ifndef PLUMB_POLICY_KERNELS_CPU_BLOCK_TASKS_H_
#define PLUMB_POLICY_KERNELS_CPU_BLOCK_TASKS_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "policy/kernels/cpu/dot_product.h"

namespace plumb::cpu {

// A block of one of a call's products.
struct BlockTask {
  int64_t product;
  ResultBlock block;
};

// The calling thread's list, empty; it is kept, so that a decode step allocates nothing. Valid until the thread's next
// call: a task may not run a product of its own.
inline std::vector<BlockTask>& EmptyTasks() {
  thread_local std::vector<BlockTask> tasks;
  tasks.clear();
  return tasks;
}

// Cuts the results of a product, `rows` by `columns`, into blocks of `block_rows` by `block_columns`, or what is left.
inline void AddBlocks(int64_t product, int64_t rows, int64_t columns, int64_t block_rows, int64_t block_columns,
                      std::vector<BlockTask>& tasks) {
  for (int64_t row = 0; row < rows; row += block_rows) {
    for (int64_t column = 0; column < columns; column += block_columns) {
      tasks.push_back(
          {product, {row, std::min(row + block_rows, rows), column, std::min(column + block_columns, columns)}});
    }
  }
}

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_BLOCK_TASKS_H_
