#include "policy/packed_tokens.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plumb {
namespace {

TEST(PackedTokensTest, PositionsStartAtZeroInEachSequence) {
  const PackedTokens tokens = PackSequences({{7, 8, 9}, {5}});
  EXPECT_THAT(tokens.starts, ::testing::ElementsAre(0, 3, 4));
  EXPECT_EQ(tokens.num_tokens(), 4);
  EXPECT_EQ(tokens.num_sequences(), 2);
  EXPECT_TRUE(tokens.ids.equal(at::tensor({7, 8, 9, 5}, at::kLong)));
  EXPECT_TRUE(tokens.positions.equal(at::tensor({0, 1, 2, 0}, at::kLong)));
  EXPECT_TRUE(ToDevice(tokens, at::kCPU).ids.equal(tokens.ids));
}

}  // namespace
}  // namespace plumb
