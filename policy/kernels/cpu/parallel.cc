#include "policy/kernels/cpu/parallel.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>

namespace plumb::cpu::internal {

// LibTorch's own threads: a second OpenMP runtime would compete with them for the cores.
void RunRanges(int64_t count, int64_t grain, RangeCall call, const void* context) {
  if (count <= 0) return;
  at::parallel_for(0, count, std::max<int64_t>(1, grain),
                   [&](int64_t begin, int64_t end) { call(context, begin, end); });
}

void RunTasks(int64_t count, RangeCall call, const void* context) {
  const int64_t threads = std::min<int64_t>(count, at::get_num_threads());
  if (threads <= 1 || at::in_parallel_region()) {
    call(context, 0, count);
    return;
  }
  std::atomic<int64_t> next{0};
  at::parallel_for(0, threads, 1, [&](int64_t, int64_t) {
    for (int64_t task = next++; task < count; task = next++) call(context, task, task + 1);
  });
}

}  // namespace plumb::cpu::internal
