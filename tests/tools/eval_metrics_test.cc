#include "tools/eval_metrics.h"

#include <gmock/gmock.h>

namespace plumb::cli {
namespace {

TEST(EvalMetricsTest, PassAtKIsTheShareOfSubsetsWithARightOne) {
  EXPECT_DOUBLE_EQ(PassAtK(4, 1, 1), 0.25);
  // Of the 6 pairs of 4 completions, 3 hold the right one.
  EXPECT_DOUBLE_EQ(PassAtK(4, 1, 2), 0.5);
  EXPECT_DOUBLE_EQ(PassAtK(4, 2, 2), 1.0 - 1.0 / 6.0);
  EXPECT_DOUBLE_EQ(PassAtK(4, 0, 4), 0.0);
  EXPECT_DOUBLE_EQ(PassAtK(4, 3, 2), 1.0);
}

TEST(EvalMetricsTest, TheMajorityIsTheMostFrequentAnswer) {
  EXPECT_EQ(MajorityIndex({"7", "8", "8"}), 1);
  EXPECT_EQ(MajorityIndex({"7", "8", "8", "7"}), 0);
  EXPECT_EQ(MajorityIndex({"", "", "9"}), 2);
  EXPECT_EQ(MajorityIndex({"", ""}), 0);
}

}  // namespace
}  // namespace plumb::cli
