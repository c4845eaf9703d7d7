#ifndef PLUMB_TOOLS_BENCH_MACHINE_LIMITS_H_
#define PLUMB_TOOLS_BENCH_MACHINE_LIMITS_H_

#include <cstdint>
#include <vector>

#include "policy/kernels/cpu/isa.h"

namespace plumb::cli {

// What this machine can do at best, with the threads that tensor operations have. Results of benchmarks are shares of
// it, measured in the same run.

// Numbers that lie in memory, not in a cache, where there are enough of them.
std::vector<float> FarNumbers(int64_t count);

// Bytes per second at which all threads together read `numbers` once.
double ReadBandwidth(const std::vector<float>& numbers);

// Floating-point operations per second of fused multiply-adds in registers, of all threads together: twelve chains of
// them each, for some milliseconds.
double FmaPeak(cpu::Isa isa);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_BENCH_MACHINE_LIMITS_H_
