#include "text/jinja/value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"
#include "text/jinja/operators.h"
#include "text/jinja/python_format.h"

namespace plumb::jinja {
namespace {

using ::plumb::testing::IsOkAndHolds;
using ::plumb::testing::StatusIs;
using ::testing::HasSubstr;

Value Of(const char* json) { return *Value::OfJson(Json::parse(json)); }
std::string Printed(const absl::StatusOr<Value>& value) {
  return value.ok() ? ToText(*value).value() : std::string(value.status().message());
}

TEST(ValueTest, TruthIsPythons) {
  for (const char* json : {"null", "0", "0.0", "\"\"", "[]", "{}", "false"}) EXPECT_FALSE(Of(json).Truth()) << json;
  for (const char* json : {"1", "-0.5", "\"0\"", "[0]", "{\"\": 0}", "true"}) EXPECT_TRUE(Of(json).Truth()) << json;
  EXPECT_FALSE(Value().Truth());
}

TEST(ValueTest, EqualityAndOrder) {
  EXPECT_TRUE(Equal(Of("1"), Of("1.0")));
  EXPECT_TRUE(Equal(Of("true"), Of("1")));
  EXPECT_FALSE(Equal(Of("\"1\""), Of("1")));
  EXPECT_TRUE(Equal(Of("{\"a\": 1, \"b\": [2]}"), Of("{\"b\": [2], \"a\": 1}")));
  EXPECT_THAT(Less(Of("[1, 2]"), Of("[1, 3]")), IsOkAndHolds(true));
  EXPECT_THAT(Less(Of("\"a\""), Of("1")), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("str and int")));
}

TEST(ValueTest, PrintsAsPythonAndAsJson) {
  const Value value = Of("{\"a\": [1, 2.5, true, null, \"é\\n\"], \"b\": {}}");
  EXPECT_THAT(ToText(value), IsOkAndHolds("{'a': [1, 2.5, True, None, 'é\\n'], 'b': {}}"));
  EXPECT_THAT(ToJsonText(value, {}), IsOkAndHolds("{\"a\": [1, 2.5, true, null, \"é\\n\"], \"b\": {}}"));
  EXPECT_THAT(ToJsonText(Value::OfText("é😀\x7F"), {.ascii_only = true}), IsOkAndHolds("\"\\u00e9\\ud83d\\ude00\x7F\""));
  EXPECT_THAT(ToJsonText(Value(), {}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("undefined")));
}

TEST(ValueTest, RefusesNamespacesInsideOfValues) {
  EXPECT_THAT(Value::OfList({Value::OfNamespace()}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("namespace")));
  EXPECT_THAT(Value::OfList(std::vector<Value>(kMaxListSize + 1)),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("limit")));
}

TEST(OperatorsTest, ArithmeticIsPythons) {
  EXPECT_EQ(Printed(Binary("//", Of("-7"), Of("2"))), "-4");
  EXPECT_EQ(Printed(Binary("%", Of("7"), Of("-3"))), "-2");
  EXPECT_EQ(Printed(Binary("%", Of("-7.5"), Of("2"))), "0.5");
  EXPECT_EQ(Printed(Binary("**", Of("2"), Of("-1"))), "0.5");
  EXPECT_EQ(Printed(Binary("+", Of("true"), Of("1"))), "2");
  EXPECT_EQ(Printed(Binary("*", Of("[1]"), Of("2"))), "[1, 1]");
  EXPECT_EQ(Printed(Binary("**", Of("10"), Of("30"))), "the result of ** does not fit 64 bits");
  EXPECT_EQ(Printed(Binary("/", Of("1"), Of("0"))), "division by zero");
  EXPECT_EQ(Printed(Binary("+", Of("\"a\""), Of("null"))), "operator + does not fit the types str and NoneType");
  EXPECT_EQ(Printed(Unary("-", Of("[]"))), "sign - does not fit the type list");
}

TEST(OperatorsTest, ItemsAndSlices) {
  const Value list = Of("[0, 1, 2, 3]");
  const Value none = Value::OfNone();
  EXPECT_EQ(Printed(Item(list, Of("-1"))), "3");
  EXPECT_TRUE(Item(list, Of("4"))->is_undefined());
  EXPECT_EQ(Printed(Attribute(*Attribute(Of("{}"), "a"), "b")), "dict has no attribute a");
  EXPECT_EQ(Printed(Slice(list, Of("1"), Of("-1"), none)), "[1, 2]");
  EXPECT_EQ(Printed(Slice(list, none, none, Of("-2"))), "[3, 1]");
  EXPECT_EQ(Printed(Slice(list, Of("-99"), Of("99"), Of("3"))), "[0, 3]");
  EXPECT_EQ(Printed(Slice(list, none, none, Of("0"))), "a slice's step must not be zero");
  EXPECT_EQ(Printed(Slice(Of("\"aéb\""), Of("1"), Of("2"), none)), "é");
}

TEST(OperatorsTest, Membership) {
  EXPECT_THAT(Compare("in", Of("\"b\""), Of("\"abc\"")), IsOkAndHolds(true));
  EXPECT_THAT(Compare("not in", Of("\"b\""), Of("{\"b\": 1}")), IsOkAndHolds(false));
  EXPECT_THAT(Compare("in", Of("1"), Value()), IsOkAndHolds(false));
  EXPECT_THAT(Compare("in", Of("1"), Of("1")), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("int")));
}

TEST(FormatPercentTest, FollowsTheFlags) {
  EXPECT_EQ(Printed(FormatPercent("%s %r %%|%3d|%-3d|%03d|%+.1f|%x",
                                  {Of("\"a\""), Of("\"b\""), Of("1"), Of("2"), Of("3"), Of("2.25"), Of("255")})),
            "a 'b' %|  1|2  |003|+2.2|ff");
  EXPECT_EQ(Printed(FormatPercent("%d", {})), "not enough arguments for the format");
  EXPECT_EQ(Printed(FormatPercent("a", {Of("1")})), "more arguments than the format has places");
  EXPECT_EQ(Printed(FormatPercent("%9999d", {Of("1")})), "a width or precision over 1000");
  EXPECT_EQ(Printed(FormatPercent("%d", {Of("\"a\"")})), "%d of a value of type str");
}

TEST(ValueTest, IntegersAboveTheRangeAreRefused) {
  EXPECT_EQ(Of("9223372036854775807").integer(), INT64_MAX);
  EXPECT_THAT(Value::OfJson(Json::parse("{\"a\": [9223372036854775808]}")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("the integer 9223372036854775808 is above")));
}

}  // namespace
}  // namespace plumb::jinja
