#include "text/unicode.h"

#include <gtest/gtest.h>

namespace plumb {
namespace {

TEST(UnicodeTest, ReadsCodePointsAndNamesBadOnes) {
  EXPECT_EQ(ReadCodePoint("é", 0).value, 0xE9);
  EXPECT_EQ(ReadCodePoint("😀", 0).length, 4);
  EXPECT_EQ(ReadCodePoint("\xC0\x80", 0).value, -1);      // overlong
  EXPECT_EQ(ReadCodePoint("\xED\xA0\x80", 0).value, -1);  // surrogate
  EXPECT_FALSE(ReadCodePoint("\xE4"
                             "a",
                             0)
                   .cut_off);
  EXPECT_TRUE(ReadCodePoint("\xE4\xB8", 0).cut_off);
  EXPECT_EQ(ReadCodePoint("\xE4\xB8", 0).length, 2);
}

TEST(UnicodeTest, ReplacesEachLongestBadPart) {
  EXPECT_EQ(ReplaceInvalidUtf8("a\xE4\xB8z\xFF\xF0\x9F"), "a\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD");
  const AlignedText aligned = ReplaceInvalidUtf8Aligned(
      "a\xFF"
      "b");
  EXPECT_EQ(aligned.Origin({1, 4}).begin, 1);
  EXPECT_EQ(aligned.Origin({1, 4}).end, 2);
  EXPECT_EQ(aligned.Origin({4, 5}).begin, 2);
}

TEST(UnicodeTest, CategoriesAreUnicodes) {
  EXPECT_TRUE(IsWhitespace(0x3000) && IsWhitespace(0x85) && !IsWhitespace(0x180E) && !IsWhitespace('a'));
  EXPECT_TRUE(IsNumeric(0x2167) && IsNumeric(0xB2) && !IsNumeric('x'));
}

}  // namespace
}  // namespace plumb
