#include "train/resume_point.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::StatusIs;
using ::testing::HasSubstr;

constexpr ResumePoint kPoint = {.num_rows = 10, .seed = 3, .position = 25, .skipped_steps = 1, .optimizer_steps = 7};

TEST(ResumePointTest, ReadsWhatItWrote) {
  Json values = ToJson(kPoint);
  values["incarnations"] = 2;
  const absl::StatusOr<ResumePoint> point = ReadResumePoint(values, /*num_rows=*/10, /*seed=*/3);
  ASSERT_OK(point);
  EXPECT_EQ(ToJson(*point), ToJson(kPoint));
}

TEST(ResumePointTest, RefusesOtherRowsAndAnotherSeed) {
  EXPECT_THAT(ReadResumePoint(ToJson(kPoint), 11, 3).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("seed 3 over 10 rows, this one has seed 3 and 11 rows")));
  EXPECT_THAT(ReadResumePoint(ToJson(kPoint), 10, 4).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("this one has seed 4")));
}

TEST(ResumePointTest, NamesAMissingMember) {
  Json values = ToJson(kPoint);
  values.erase("position");
  EXPECT_THAT(ReadResumePoint(values, 10, 3).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("position")));
}

}  // namespace
}  // namespace plumb
