#ifndef PLUMB_TESTS_TESTING_STATUS_MATCHERS_H_
#define PLUMB_TESTS_TESTING_STATUS_MATCHERS_H_

#include <gmock/gmock.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Matchers for absl::Status and absl::StatusOr<T>; Abseil 20220623 has none.
//
//   EXPECT_THAT(status, IsOk());
//   EXPECT_THAT(Parse("x"), IsOkAndHolds(3));
//   EXPECT_THAT(Parse("x"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 3")));
//   ASSERT_OK_AND_ASSIGN(const int value, Parse("3"));

namespace plumb::testing {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << "which is " << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

MATCHER_P(IsOkAndHolds, value_matcher, "is OK and holds a value that matches") {
  if (!arg.ok()) {
    *result_listener << "which is " << arg.status().ToString();
    return false;
  }
  return ::testing::ExplainMatchResult(value_matcher, *arg, result_listener);
}

MATCHER_P2(StatusIs, code, message_matcher, "has the code and a message that matches") {
  *result_listener << "which is " << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code &&
         ::testing::ExplainMatchResult(message_matcher, std::string(StatusOf(arg).message()), result_listener);
}

}  // namespace plumb::testing

#define PLUMB_TEST_CONCAT_INNER_(left, right) left##right
#define PLUMB_TEST_CONCAT_(left, right) PLUMB_TEST_CONCAT_INNER_(left, right)
#define ASSERT_OK(expression) ASSERT_THAT((expression), ::plumb::testing::IsOk())
#define EXPECT_OK(expression) EXPECT_THAT((expression), ::plumb::testing::IsOk())
#define ASSERT_OK_AND_ASSIGN(left, expression) \
  PLUMB_ASSERT_OK_AND_ASSIGN_(PLUMB_TEST_CONCAT_(plumb_test_result_, __LINE__), left, expression)
#define PLUMB_ASSERT_OK_AND_ASSIGN_(result, left, expression) \
  auto result = (expression);                                 \
  ASSERT_TRUE(result.ok()) << result.status().ToString();     \
  left = std::move(result).value()

#endif  // PLUMB_TESTS_TESTING_STATUS_MATCHERS_H_
