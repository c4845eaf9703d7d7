#include "tools/bench/limit_rounds.h"

#include <gtest/gtest.h>

namespace plumb::cli {
namespace {

TEST(LimitRoundsTest, SharesFollowFromTheMedians) {
  LimitRounds limits;
  limits.Measure();
  ASSERT_GT(limits.bytes_per_second(), 0);
  ASSERT_GT(limits.flops_per_second(), 0);
  // Reading takes 2 s at least and computing 1 s; the median round took 4 s.
  const Work work = {2 * limits.bytes_per_second(), limits.flops_per_second()};
  const Json json = limits.RateJson(/*tokens=*/100, {4, 9, 3}, work);
  EXPECT_DOUBLE_EQ(json["tokens_per_second"], 25);
  EXPECT_DOUBLE_EQ(json["bound_tokens_per_second"], 50);
  EXPECT_DOUBLE_EQ(json["share_of_bound"], 0.5);
  EXPECT_DOUBLE_EQ(json["share_of_read_bandwidth"], 0.5);
  EXPECT_DOUBLE_EQ(json["share_of_fma_peak"], 0.25);
  EXPECT_EQ(json["seconds"].size(), 3u);
}

TEST(LimitRoundsTest, TheMedianIsTheMiddleOne) {
  EXPECT_EQ(MedianOf({3, 1, 2}), 2);
  EXPECT_EQ(MedianOf({7}), 7);
}

}  // namespace
}  // namespace plumb::cli
