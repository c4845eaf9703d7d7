#include "tools/bench/machine_limits.h"

#include <gtest/gtest.h>

namespace plumb::cli {
namespace {

// No timed test: a machine that does less than a millionth, or more than a thousandfold, of any that exists is a bug.
TEST(MachineLimitsTest, IsABandwidthOfThisWorld) {
  const double bandwidth = ReadBandwidth(FarNumbers(1 << 20));
  EXPECT_GT(bandwidth, 1e6);
  EXPECT_LT(bandwidth, 1e14);
}

}  // namespace
}  // namespace plumb::cli
