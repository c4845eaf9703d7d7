#include "policy/kernels/cpu/column_product.h"

#include <algorithm>
#include <vector>

#include "policy/kernels/cpu/block_tasks.h"
#include "policy/kernels/cpu/isa.h"
#include "policy/kernels/cpu/parallel.h"
#include "policy/kernels/cpu/scratch.h"
#include "policy/kernels/cpu/task_size.h"

namespace plumb::cpu {
namespace {

constexpr int64_t kColumnsPerTile = 32;

// Columns of a block that is worth about so many multiplications.
int64_t BlockColumns(const ColumnProduct& p, int64_t multiplications) {
  const int64_t worth = multiplications / std::max<int64_t>(1, p.inner * std::min(p.rows, kColumnBlockRows));
  return std::clamp((worth + kColumnsPerTile - 1) / kColumnsPerTile * kColumnsPerTile, kColumnsPerTile,
                    kColumnBlockColumns);
}

}  // namespace

void RunColumnProducts(const ColumnProduct* products, int64_t count, FloatType type) {
  TaskSize size;
  for (int64_t index = 0; index < count; ++index) {
    size.Add(products[index].rows * products[index].columns * products[index].inner);
  }
  std::vector<BlockTask>& tasks = EmptyTasks();
  for (int64_t index = 0; index < count; ++index) {
    const ColumnProduct& p = products[index];
    AddBlocks(index, p.rows, p.columns, kColumnBlockRows, BlockColumns(p, size.multiplications()), tasks);
  }
  const auto run = ActiveIsa() == Isa::kAvx512 ? ColumnBlockAvx512 : ColumnBlockAvx2;
  const BlockTask* all = tasks.data();
  ParallelTasks(static_cast<int64_t>(tasks.size()), [&](int64_t task) {
    float* const scratch = Scratch(ScratchUse::kProduct, kColumnScratch).Take(kColumnScratch);
    run(products[all[task].product], type, all[task].block, scratch);
  });
}

}  // namespace plumb::cpu
