#include "train/skip_limit.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::StatusIs;
using ::testing::HasSubstr;

TEST(SkipLimitTest, StopsAtTheLimit) {
  SkipLimit limit;
  for (int step = 1; step < kMaxSkippedInARow; ++step) ASSERT_OK(limit.Add(true));
  EXPECT_THAT(limit.Add(true), StatusIs(absl::StatusCode::kInternal, HasSubstr("last 10 optimizer steps")));
}

TEST(SkipLimitTest, AGoodStepStartsTheCountAgain) {
  SkipLimit limit(/*total=*/5);
  for (int step = 1; step < kMaxSkippedInARow; ++step) ASSERT_OK(limit.Add(true));
  ASSERT_OK(limit.Add(false));
  EXPECT_OK(limit.Add(true));
  EXPECT_EQ(limit.total(), 5 + kMaxSkippedInARow);
}

TEST(SkipLimitTest, ARunThatTrainedNothingFails) {
  SkipLimit limit(/*total=*/5);
  EXPECT_OK(limit.AtEnd());
  ASSERT_OK(limit.Add(true));
  EXPECT_THAT(limit.AtEnd(), StatusIs(absl::StatusCode::kInternal, HasSubstr("each of the 1 optimizer steps")));
  ASSERT_OK(limit.Add(false));
  ASSERT_OK(limit.Add(true));
  EXPECT_OK(limit.AtEnd());
}

}  // namespace
}  // namespace plumb
