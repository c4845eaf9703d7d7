#ifndef PLUMB_POLICY_KERNELS_CPU_PARALLEL_H_
#define PLUMB_POLICY_KERNELS_CPU_PARALLEL_H_

#include <cstdint>

// How kernels share their work among threads. Work is split over rows and columns of results, never over what one
// result is summed from: so no result depends on the number of threads, or on which thread took what.
//
// A parallel region costs some microseconds, which is much for an op on few rows. RunTogether() opens one region for a
// whole chain of ops: all threads run the chain, and the calls below share out their work among them.
namespace plumb::cpu {

namespace internal {
using RangeCall = void (*)(const void* context, int64_t begin, int64_t end);
void RunRanges(int64_t count, int64_t grain, RangeCall call, const void* context);
void RunTasks(int64_t count, RangeCall call, const void* context);
void RunTogether(void (*call)(const void* context), const void* context);
}  // namespace internal

// How many threads the caller may share its work with, itself included.
int64_t NumThreads();

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

// Calls program() in every thread of one parallel region. Inside, each call of the two above has to be reached by all
// threads, in the same order and with the same arguments: its work is shared among them, and a thread that finds none
// left goes on without waiting for the others. WaitForOthers() stands wherever results of other threads are read, or
// memory that they may still read is written again. Of ParallelRanges() with equal counts and grains a thread gets the
// same range each time, and may read what it wrote in it. `program` may not throw. Where other programs have kept
// threads of the last regions from running, the caller's thread runs it alone for a while.
template <typename Program>
void RunTogether(const Program& program) {
  internal::RunTogether([](const void* context) { (*static_cast<const Program*>(context))(); }, &program);
}

// Inside of RunTogether(): returns when all threads have come here and their work before is done. Elsewhere: at once.
// Waits by spinning, then by sleeping.
void WaitForOthers();

// Inside of RunTogether(): the first thread's `value`, in all threads; waits for the others. Elsewhere: `value`.
void* FirstThreads(void* value);

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_PARALLEL_H_
