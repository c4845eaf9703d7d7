#include "reward/exact_number.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace plumb {
namespace {

bool Equal(absl::string_view left, absl::string_view right) {
  const auto a = ParseExactNumber(left);
  const auto b = ParseExactNumber(right);
  EXPECT_TRUE(a.has_value()) << left;
  EXPECT_TRUE(b.has_value()) << right;
  return a.has_value() && b.has_value() && ExactlyEqual(*a, *b);
}

bool Near(absl::string_view left, absl::string_view right, double tolerance = 1e-6) {
  return NearlyEqual(*ParseExactNumber(left), *ParseExactNumber(right), tolerance);
}

TEST(ParseExactNumberTest, ReadsEveryWrittenForm) {
  EXPECT_TRUE(Equal("42", "0042"));
  EXPECT_TRUE(Equal("1,234,567.50", "1234567.5"));
  EXPECT_TRUE(Equal("-.5", "-1/2"));
  EXPECT_TRUE(Equal("- 7", "-7"));
  EXPECT_TRUE(Equal("2.5e3", "2500"));
  EXPECT_TRUE(Equal("25E-1", "2.5"));
  EXPECT_TRUE(Equal("1 3/4", "7/4"));
  EXPECT_TRUE(Equal("-1 3/4", "-1.75"));
  EXPECT_TRUE(Equal("\\frac{3}{4}", "0.75"));
  EXPECT_TRUE(Equal("\\frac12", "0.5"));
  EXPECT_TRUE(Equal("3\\frac{1}{2}", "3.5"));
  EXPECT_TRUE(Equal("\\frac{-1}{2}", "-\\frac{1}{2}"));
  EXPECT_TRUE(Equal("0", "-0.00"));
  EXPECT_TRUE(Equal("5.", "5"));
}

TEST(ParseExactNumberTest, RefusesWhatIsNoNumber) {
  for (const char* text :
       {"", " ", "-", ".", "1,23", "1/0", "x", "1 2", "--1", "1.2.3", "\\frac{1}{0}", "5x", "1,2345"}) {
    EXPECT_FALSE(ParseExactNumber(text).has_value()) << text;
  }
  EXPECT_FALSE(ParseExactNumber(std::string(401, '1')).has_value());
}

TEST(ExactlyEqualTest, HasNoLimitOfSize) {
  const std::string digits(120, '7');
  EXPECT_TRUE(Equal(digits, absl::StrCat(digits, ".0")));
  EXPECT_FALSE(Equal(digits, absl::StrCat(digits.substr(1), "8")));
  EXPECT_TRUE(Equal("100000000000000000000/300000000000000000000", "1/3"));
  EXPECT_FALSE(Equal("5", "-5"));
}

TEST(NearlyEqualTest, AllowsToleranceToDecimalsOnly) {
  EXPECT_TRUE(Near("1/3", "0.333333"));
  EXPECT_FALSE(Near("1/3", "0.3333"));
  EXPECT_TRUE(Near("1/3", "0.3333", 1e-3));
  EXPECT_FALSE(Near("1000000", "1000001"));
  EXPECT_FALSE(Near("1000000", "1000001.0"));
  EXPECT_FALSE(Near("0", "0.0000001"));
}

}  // namespace
}  // namespace plumb
