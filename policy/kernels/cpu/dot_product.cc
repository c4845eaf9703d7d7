#include "policy/kernels/cpu/dot_product.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "policy/kernels/cpu/block_tasks.h"
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

using DotBlock = void (*)(const DotProduct& product, DotTypes types, const ResultBlock& block, float* scratch);

// That of the class that runs in this process.
DotBlock ActiveDotBlock() { return ActiveIsa() == Isa::kAvx512 ? DotBlockAvx512 : DotBlockAvx2; }

float* TakeScratch() { return Scratch(ScratchUse::kProduct, kDotScratch).Take(kDotScratch); }

// The block's columns of the gate, then those up, then what they make while they are in the core's cache.
void RunGatedBlock(DotBlock run, const GatedProduct& product, DotTypes types, const ResultBlock& block) {
  const DotProduct& gate_up = product.gate_up;
  const int64_t width = gate_up.columns / 2;
  ResultBlock up = block;
  up.column_begin += width;
  up.column_end += width;
  float* const scratch = TakeScratch();
  run(gate_up, types, block, scratch);
  run(gate_up, types, up, scratch);
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
  std::vector<BlockTask>& tasks = EmptyTasks();
  for (int64_t index = 0; index < count; ++index) {
    const DotProduct& product = products[index];
    const Shape shape = TaskShape(product, size.multiplications());
    AddBlocks(index, product.rows, product.columns, shape.rows, shape.columns, tasks);
  }
  const BlockTask* all = tasks.data();
  const DotBlock run = ActiveDotBlock();
  ParallelTasks(static_cast<int64_t>(tasks.size()),
                [&](int64_t task) { run(products[all[task].product], types, all[task].block, TakeScratch()); });
}

void RunGatedProducts(const GatedProduct* products, int64_t count, DotTypes types) {
  TaskSize size;
  for (int64_t index = 0; index < count; ++index) size.Add(Multiplications(products[index].gate_up));
  std::vector<BlockTask>& tasks = EmptyTasks();
  for (int64_t index = 0; index < count; ++index) {
    const DotProduct& product = products[index].gate_up;
    const Shape shape = TaskShape(product, size.multiplications() / 2);
    AddBlocks(index, product.rows, product.columns / 2, shape.rows, shape.columns, tasks);
  }
  const BlockTask* all = tasks.data();
  const DotBlock run = ActiveDotBlock();
  ParallelTasks(static_cast<int64_t>(tasks.size()),
                [&](int64_t task) { RunGatedBlock(run, products[all[task].product], types, all[task].block); });
}

}  // namespace plumb::cpu
