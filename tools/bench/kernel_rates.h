#ifndef PLUMB_TOOLS_BENCH_KERNEL_RATES_H_
#define PLUMB_TOOLS_BENCH_KERNEL_RATES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace plumb::cli {

// One product y = x W^T that is timed.
struct ProductCase {
  std::string name;  // "C1 streaming"
  int64_t rows = 0;  // of x
  int64_t columns = 0;
  int64_t depth = 0;
  bool bfloat16 = false;  // weights and x
};

// The cases of the CPU targets C1 (weights streamed from memory, few rows) and C2 (many rows, weights from memory and
// from a cache), in float32.
std::vector<ProductCase> KernelCases();

// Times each case `rounds` times in turn with the machine's limits, after one round that is not counted. Each entry has
// the median's gigabytes per second of weights and GFLOP/s, and both as shares of the limits' medians in the same
// rounds.
//   {"isa", "threads", "read_gigabytes_per_second", "fma_gflops", "cases": [{...}]}
Json MeasureKernels(const std::vector<ProductCase>& cases, int64_t rounds);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_BENCH_KERNEL_RATES_H_
