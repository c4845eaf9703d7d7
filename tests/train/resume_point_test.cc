#include "train/resume_point.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;

const RunIdentity kRun = {.stage = "sft", .seed = 3, .data_digest = "abc"};
const ResumePoint kPoint = {.run = kRun, .position = 25, .skipped_steps = 1, .optimizer_steps = 7};

TEST(ResumePointTest, ReadsWhatItWrote) {
  Json values = ToJson(kPoint);
  values["incarnations"] = 2;
  ASSERT_OK_AND_ASSIGN(const ResumePoint point, ReadResumePoint(values, kRun));
  EXPECT_EQ(ToJson(point), ToJson(kPoint));
}

TEST(ResumePointTest, SaysAllThatIsOtherwise) {
  EXPECT_THAT(ReadResumePoint(ToJson(kPoint), {.stage = "grpo", .seed = 4, .data_digest = "abd"}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("it is of sft, not of grpo"), HasSubstr("its seed is 3, not 4"),
                             HasSubstr("its data rows are others"))));
}

TEST(ResumePointTest, NamesAMissingMember) {
  Json values = ToJson(kPoint);
  values.erase("position");
  EXPECT_THAT(ReadResumePoint(values, kRun).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("position")));
}

TEST(RowDigestTest, DependsOnIdsTokensAndOrder) {
  const std::string first = AddRowToDigest("", "a", {1, 2});
  const std::string both = AddRowToDigest(first, "b", {3});
  EXPECT_NE(AddRowToDigest("", "a", {1, 3}), first);
  EXPECT_NE(AddRowToDigest("", "b", {1, 2}), first);
  EXPECT_NE(AddRowToDigest(AddRowToDigest("", "b", {3}), "a", {1, 2}), both);
  EXPECT_EQ(AddRowToDigest(AddRowToDigest("", "a", {1, 2}), "b", {3}), both);
}

}  // namespace
}  // namespace plumb
