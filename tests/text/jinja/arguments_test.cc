#include "text/jinja/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace plumb::jinja {
namespace {

using ::plumb::testing::IsOkAndHolds;
using ::plumb::testing::StatusIs;
using ::testing::HasSubstr;

TEST(ArgumentsTest, AreFoundByPlaceOrName) {
  const Arguments arguments{{Value::OfInt(1)}, {{"b", Value::OfText("x")}}};
  EXPECT_THAT(arguments.Int(0, "a", 9), IsOkAndHolds(1));
  EXPECT_THAT(arguments.Text(1, "b"), IsOkAndHolds("x"));
  EXPECT_THAT(arguments.Int(2, "c", 9), IsOkAndHolds(9));
  EXPECT_TRUE(arguments.Truth(2, "c", true));
  EXPECT_THAT(arguments.Int(1, "b", 9), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("b is of type str")));
  EXPECT_THAT(arguments.Text(2, "c"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("c is missing")));
  EXPECT_OK(arguments.Allow(1, {"b"}));
  EXPECT_THAT(arguments.Allow(0, {"b"}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("0 at most")));
  EXPECT_THAT(arguments.Allow(1, {}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no argument b")));
}

}  // namespace
}  // namespace plumb::jinja
