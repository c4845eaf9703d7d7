#ifndef PLUMB_POLICY_KERNELS_CPU_TASK_SIZE_H_
#define PLUMB_POLICY_KERNELS_CPU_TASK_SIZE_H_

#include <algorithm>
#include <cstdint>

#include "policy/kernels/cpu/parallel.h"

namespace plumb::cpu {

// How many multiplications each task of a call should have: threads end at about the same time where there are several
// tasks for each of them, and a larger task copies less. It changes no bit.
class TaskSize {
 public:
  // The call has a matrix product of this many multiplications.
  void Add(int64_t multiplications) { total_ += multiplications; }

  int64_t multiplications() const { return std::max(kLeast, total_ / (kTasksPerThread * NumThreads())); }

 private:
  static constexpr int64_t kTasksPerThread = 8;
  static constexpr int64_t kLeast = 1 << 17;  // some microseconds; less is not worth a thread
  int64_t total_ = 0;
};

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_TASK_SIZE_H_
