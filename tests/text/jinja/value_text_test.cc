#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"
#include "text/jinja/python_text.h"
#include "text/jinja/value.h"

namespace plumb::jinja {
namespace {

using ::plumb::testing::IsOkAndHolds;
using ::plumb::testing::StatusIs;

TEST(ReprTest, FloatsReadBackWithTheFewestDigits) {
  EXPECT_EQ(ReprFloat(1), "1.0");
  EXPECT_EQ(ReprFloat(0.1), "0.1");
  EXPECT_EQ(ReprFloat(-2.5e-5), "-2.5e-05");
  EXPECT_EQ(ReprFloat(1e16), "1e+16");
  EXPECT_EQ(ReprFloat(123456789012345), "123456789012345.0");
  EXPECT_EQ(ReprFloat(0.0001), "0.0001");
  EXPECT_EQ(ReprFloat(-INFINITY), "-inf");
}

TEST(ReprTest, TextsChooseTheirQuotes) {
  EXPECT_EQ(ReprText("a'b"), "\"a'b\"");
  EXPECT_EQ(ReprText("a'\"b"), "'a\\'\"b'");
  EXPECT_EQ(ReprText("\x01\xC2\xA0\\"), "'\\x01\\xa0\\\\'");
}

TEST(PythonTextTest, StripsSpacesAndLetters) {
  const CodePointSet letters = {'a', 0xE9};
  EXPECT_EQ(StripLeft(" \xE3\x80\x80x "), "x ");
  EXPECT_EQ(StripRight(" x\n\x1F"), " x");
  EXPECT_EQ(StripRight(StripLeft("éaxaé", &letters), &letters), "x");
}

TEST(PythonTextTest, ChangesCase) {
  EXPECT_EQ(ToUpper("äß1"), "ÄSS1");
  EXPECT_EQ(ToTitle("hello wORLD's", true), "Hello World'S");
  EXPECT_EQ(ToTitle("hELLO wORLD", false), "Hello world");
  EXPECT_EQ(ToUpper("ﬁŉ"), "FIʼN");
  EXPECT_EQ(ToLower("ΑΣ ΣΑ İ"), "ας σα i\u0307");
}

TEST(PythonTextTest, UnescapesLiterals) {
  EXPECT_THAT(UnescapePython("\\t\\\\\\101\\q\\U0001F600"), IsOkAndHolds("\t\\A\\q😀"));
  EXPECT_THAT(UnescapePython("\\xZZ"), StatusIs(absl::StatusCode::kInvalidArgument, ::testing::_));
  EXPECT_THAT(UnescapePython("\\N{BULLET}"), StatusIs(absl::StatusCode::kInvalidArgument, ::testing::_));
  EXPECT_THAT(UnescapePython("\\ud800"), StatusIs(absl::StatusCode::kInvalidArgument, ::testing::_));
}

TEST(JsonTextTest, SharedListsDoNotPrintWithoutEnd) {
  Value value = Value::OfInt(1);
  for (int i = 0; i < 60; ++i) value = Value::OfList({value, value}).value();
  EXPECT_THAT(ToText(value), StatusIs(absl::StatusCode::kResourceExhausted, ::testing::_));
  EXPECT_THAT(ToJsonText(value, {}), StatusIs(absl::StatusCode::kResourceExhausted, ::testing::_));
}

}  // namespace
}  // namespace plumb::jinja
