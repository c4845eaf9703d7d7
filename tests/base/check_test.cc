#include "base/check.h"

#include <gtest/gtest.h>

#include "base/status_macros.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::StatusIs;

TEST(CheckTest, PrintsTheConditionAndTheValues) {
  const int pages = -1;
  EXPECT_DEATH(PLUMB_CHECK(pages >= 0) << "pages is " << pages, "pages >= 0 pages is -1");
  PLUMB_CHECK(pages < 0) << "never printed";
}

TEST(StatusMacrosTest, AnnotateKeepsTheCode) {
  EXPECT_THAT(Annotate(absl::NotFoundError("gone"), "row 3"), StatusIs(absl::StatusCode::kNotFound, "row 3: gone"));
  EXPECT_OK(Annotate(absl::OkStatus(), "row 3"));
}

absl::StatusOr<int> Twice(absl::StatusOr<int> value) {
  ASSIGN_OR_RETURN(const int once, std::move(value));
  RETURN_IF_ERROR(once < 0 ? absl::OutOfRangeError("negative") : absl::OkStatus());
  return 2 * once;
}

TEST(StatusMacrosTest, ReturnTheFirstError) {
  EXPECT_EQ(*Twice(4), 8);
  EXPECT_THAT(Twice(-1), StatusIs(absl::StatusCode::kOutOfRange, "negative"));
  EXPECT_THAT(Twice(absl::AbortedError("no")), StatusIs(absl::StatusCode::kAborted, "no"));
}

}  // namespace
}  // namespace plumb
