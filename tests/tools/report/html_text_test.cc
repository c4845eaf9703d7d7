#include "tools/report/html_text.h"

#include <gtest/gtest.h>

#include <cmath>

namespace plumb {
namespace {

TEST(EscapeHtmlTest, LeavesNoMarkup) {
  EXPECT_EQ(EscapeHtml("<script>alert(\"a\" & 'b')</script>"),
            "&lt;script&gt;alert(&quot;a&quot; &amp; &#39;b&#39;)&lt;/script&gt;");
}

TEST(EscapeHtmlTest, ReplacesControlCharactersButKeepsLines) {
  EXPECT_EQ(EscapeHtml(absl::string_view("a\0b\x1b\n\tc", 7)),
            "a\xEF\xBF\xBD"
            "b\xEF\xBF\xBD\n\tc");
}

TEST(ShortNumberTest, KeepsFourDigits) {
  EXPECT_EQ(ShortNumber(0.123456), "0.1235");
  EXPECT_EQ(ShortNumber(12345), "12.35k");
  EXPECT_EQ(ShortNumber(2500000), "2.5M");
  EXPECT_EQ(ShortNumber(0.0000012), "1.2e-06");
  EXPECT_EQ(ShortNumber(0), "0");
  EXPECT_EQ(ShortNumber(std::nan("")), "-");
}

TEST(ShortNumberTest, TakesAsManyDigitsAsAskedFor) {
  EXPECT_EQ(ShortNumber(1.000123, 6), "1.00012");
  EXPECT_EQ(ShortNumber(0.0004), "0.0004");
  EXPECT_EQ(ShortNumber(0.000012345, 6), "1.234e-05");
}

TEST(PercentTest, HasOneDecimal) { EXPECT_EQ(Percent(0.5781), "57.8 %"); }

}  // namespace
}  // namespace plumb
