#include "policy/kernels/cpu/parallel.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>

// The OpenMP runtime that LibTorch runs on; a second one would compete with it for the cores. It is called by name,
// because without -fopenmp at::parallel_for() is a plain loop, and that flag does not fit the precompiled headers.
extern "C" void GOMP_parallel(void (*body)(void* context), void* context, unsigned num_threads, unsigned flags);

namespace plumb::cpu::internal {
namespace {

// Calls of `per_call` items each, taken one by one by the threads of a region.
struct SharedCalls {
  RangeCall call;
  const void* context;
  int64_t count;
  int64_t per_call;
  std::atomic<int64_t> next{0};
};

void TakeCalls(void* context) {
  SharedCalls& shared = *static_cast<SharedCalls*>(context);
  for (int64_t begin = shared.next.fetch_add(shared.per_call); begin < shared.count;
       begin = shared.next.fetch_add(shared.per_call)) {
    shared.call(shared.context, begin, std::min(begin + shared.per_call, shared.count));
  }
}

void Run(int64_t threads, SharedCalls& shared) { GOMP_parallel(TakeCalls, &shared, static_cast<unsigned>(threads), 0); }

}  // namespace

void RunRanges(int64_t count, int64_t grain, RangeCall call, const void* context) {
  if (count <= 0) return;
  const int64_t ranges = (count + std::max<int64_t>(1, grain) - 1) / std::max<int64_t>(1, grain);
  const int64_t threads = std::min<int64_t>(ranges, at::get_num_threads());
  if (threads <= 1 || at::in_parallel_region()) {
    call(context, 0, count);
    return;
  }
  SharedCalls shared{call, context, count, (count + threads - 1) / threads};
  Run(threads, shared);
}

void RunTasks(int64_t count, RangeCall call, const void* context) {
  const int64_t threads = std::min<int64_t>(count, at::get_num_threads());
  if (threads <= 1 || at::in_parallel_region()) {
    call(context, 0, count);
    return;
  }
  SharedCalls shared{call, context, count, 1};
  Run(threads, shared);
}

}  // namespace plumb::cpu::internal
