#include "base/printable_text.h"

#include <gtest/gtest.h>

namespace plumb {
namespace {

TEST(PrintableTextTest, ControlCharactersAreWrittenOut) {
  EXPECT_EQ(PrintableText("a\x1b[2Jb\x7f\r\a"), "a\\x1b[2Jb\\x7f\\x0d\\x07");
  EXPECT_EQ(PrintableText(absl::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(PrintableText("\xC2\x9B"
                          "31m"),
            "\\x9b31m");
}

TEST(PrintableTextTest, OtherTextIsLeftAlone) {
  EXPECT_EQ(PrintableText("two\n\tlines, ü ｜ 龥 \xC2\xA0"), "two\n\tlines, ü ｜ 龥 \xC2\xA0");
  EXPECT_EQ(PrintableText("\xC2"), "\xC2");
}

TEST(PrintableTextTest, ALineStaysOne) { EXPECT_EQ(PrintableLine("a\n\tb"), "a\\x0a\\x09b"); }

}  // namespace
}  // namespace plumb
