#ifndef PLUMB_TOOLS_BENCH_FMA_PEAK_H_
#define PLUMB_TOOLS_BENCH_FMA_PEAK_H_

#include "policy/kernels/cpu/isa.h"

namespace plumb::cli {

// Float32 operations per second of independent fused multiply-adds in registers, by `threads` threads at once: the
// bound of every product. A multiply-add is two operations. Takes about a tenth of a second.
double MeasureFmaPeak(cpu::Isa isa, int threads);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_BENCH_FMA_PEAK_H_
