#include "policy/normal_quantile.h"

#include <gtest/gtest.h>

namespace plumb {
namespace {

// Values of the standard normal distribution's table.
TEST(NormalQuantileTest, KnownQuantiles) {
  EXPECT_EQ(NormalQuantile(0.5), 0.0);
  EXPECT_NEAR(NormalQuantile(0.75), 0.6744898, 1e-6);
  EXPECT_NEAR(NormalQuantile(0.975), 1.9599640, 1e-6);
  EXPECT_NEAR(NormalQuantile(1e-3), -3.0902323, 1e-6);
  EXPECT_NEAR(NormalQuantile(1e-12), -7.0344838, 1e-5);
}

TEST(NormalQuantileTest, IsOdd) { EXPECT_NEAR(NormalQuantile(0.01), -NormalQuantile(0.99), 1e-12); }

}  // namespace
}  // namespace plumb
