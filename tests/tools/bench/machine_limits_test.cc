#include "tools/bench/machine_limits.h"

#include <gtest/gtest.h>

namespace plumb::cli {
namespace {

// No timed test: a machine that does less than a millionth, or more than a thousandfold, of any that exists is a bug.
TEST(MachineLimitsTest, AreOfThisWorld) {
  const double bandwidth = ReadBandwidth(FarNumbers(1 << 20));
  EXPECT_GT(bandwidth, 1e6);
  EXPECT_LT(bandwidth, 1e14);
  for (const cpu::Isa isa : {cpu::Isa::kAvx2, cpu::Isa::kAvx512}) {
    if (!cpu::CpuSupports(isa)) continue;
    const double peak = FmaPeak(isa);
    EXPECT_GT(peak, 1e7);
    EXPECT_LT(peak, 1e15);
  }
}

}  // namespace
}  // namespace plumb::cli
