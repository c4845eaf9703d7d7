#ifndef PLUMB_POLICY_KERNELS_CPU_SCRATCH_H_
#define PLUMB_POLICY_KERNELS_CPU_SCRATCH_H_

#include <cstdint>

namespace plumb::cpu {

// Who a thread's scratch memory is for: a call of attention, one of its units, a task of a matrix product. Uses of
// different kinds may live at the same time.
enum class ScratchUse { kCall, kUnit, kProduct };

// Memory of the calling thread, taken piece by piece from the start. It stays with the thread and only grows, so that
// calls after the first of their size allocate nothing. One object per use and thread at a time.
class Scratch {
 public:
  // Room for `num_floats` in all, with what alignment costs.
  Scratch(ScratchUse use, int64_t num_floats);

  // Room in memory that another object has taken, on a cache line of its own.
  Scratch(float* memory, int64_t num_floats) : next_(memory), end_(memory + num_floats) {}

  // The next `count` numbers, on a cache line of their own; not initialised.
  float* Take(int64_t count);

  // What Take(count) uses up.
  static int64_t Rounded(int64_t count) { return (count + 15) / 16 * 16; }

 private:
  float* next_;
  float* end_;
};

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_SCRATCH_H_
