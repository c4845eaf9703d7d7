#include <gtest/gtest.h>

#include "reward/verifiers.h"

namespace plumb {
namespace {

TEST(VerifyLengthTest, FallsInAStraightLineFromTargetToMax) {
  EXPECT_EQ(VerifyLength(0, 10, 20).value, 0);
  EXPECT_EQ(VerifyLength(10, 10, 20).value, 0);
  EXPECT_EQ(VerifyLength(15, 10, 20).value, -0.5);
  EXPECT_EQ(VerifyLength(20, 10, 20).value, -1);
  EXPECT_EQ(VerifyLength(500, 10, 20).value, -1);
}

}  // namespace
}  // namespace plumb
