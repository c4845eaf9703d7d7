#ifndef PLUMB_POLICY_KERNELS_CPU_PARALLEL_H_
#define PLUMB_POLICY_KERNELS_CPU_PARALLEL_H_

#include <cstdint>

// How kernels share their work among threads. Work is split over rows and columns of results, never over what one
// result is summed from: so no result depends on the number of threads, or on which thread took what.
namespace plumb::cpu {

namespace internal {
using RangeCall = void (*)(const void* context, int64_t begin, int64_t end);
void RunRanges(int64_t count, int64_t grain, RangeCall call, const void* context);
void RunTasks(int64_t count, RangeCall call, const void* context);
}  // namespace internal

// Calls body(begin, end) over ranges that cover 0 ... count - 1, one range per thread at most, of `grain` items at
// least. Runs in the caller's thread where that is one range, or where it is in a parallel region already.
template <typename Body>
void ParallelRanges(int64_t count, int64_t grain, const Body& body) {
  internal::RunRanges(
      count, grain,
      [](const void* context, int64_t begin, int64_t end) { (*static_cast<const Body*>(context))(begin, end); }, &body);
}

// Calls body(task) once for each task 0 ... count - 1; a thread that is done takes the next task. For few tasks of
// uneven size; each should be worth some microseconds.
template <typename Body>
void ParallelTasks(int64_t count, const Body& body) {
  internal::RunTasks(
      count,
      [](const void* context, int64_t begin, int64_t end) {
        for (int64_t task = begin; task < end; ++task) (*static_cast<const Body*>(context))(task);
      },
      &body);
}

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_PARALLEL_H_
