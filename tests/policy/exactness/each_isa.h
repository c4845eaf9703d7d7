#ifndef PLUMB_TESTS_POLICY_EXACTNESS_EACH_ISA_H_
#define PLUMB_TESTS_POLICY_EXACTNESS_EACH_ISA_H_

#include <functional>
#include <string>

#include "policy/kernels/cpu/isa.h"

namespace plumb::testing {

// Runs `body` once for each instruction-set class that this machine has; failures name the class. Afterwards the class
// is the one it was.
void ForEachIsa(const std::function<void(cpu::Isa isa)>& body);

// Runs `body` with 1 and with 2 threads.
void ForEachThreadCount(const std::function<void(int threads)>& body);

}  // namespace plumb::testing

#endif  // PLUMB_TESTS_POLICY_EXACTNESS_EACH_ISA_H_
