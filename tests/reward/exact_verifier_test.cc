#include <gtest/gtest.h>

#include "reward/verifiers.h"

namespace plumb {
namespace {

TEST(VerifyExactTest, ComparesAllButOuterWhiteSpace) {
  EXPECT_EQ(VerifyExact(" drow\n", "drow").value, 1);
  EXPECT_EQ(VerifyExact("Drow", "drow").value, 0);
  EXPECT_EQ(VerifyExact("d row", "drow").value, 0);
  EXPECT_EQ(VerifyExact("", " ").value, 1);
}

}  // namespace
}  // namespace plumb
