#include "rollout/generation.h"

#include <gtest/gtest.h>

namespace plumb {
namespace {

TEST(WeightVersionTest, IsDescribedByAllThatTellsItFromAnother) {
  EXPECT_EQ(Describe({"a", 7, 0x1f}), "step 7 of run 'a' (digest 000000000000001f)");
}

}  // namespace
}  // namespace plumb
