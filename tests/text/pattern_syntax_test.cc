#include "text/pattern_syntax.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"
#include "text/pattern.h"

namespace plumb {
namespace {

using ::plumb::testing::IsOkAndHolds;
using ::plumb::testing::StatusIs;
using ::testing::HasSubstr;

// How many matches a pattern has in a text.
size_t Count(const std::string& expression, const std::string& text) {
  const auto pattern = Pattern::Compile(expression);
  EXPECT_TRUE(pattern.ok()) << pattern.status();
  PatternSearch search;
  std::vector<ByteSpan> spans;
  EXPECT_OK((*pattern)->FindAll(text, search, &spans));
  return spans.size();
}

TEST(PcreFromOnigurumaTest, WhatMeansTheSameStaysAsItIs) {
  for (const char* same : {"[\\r\\n]", "[一-龥぀-ゟ゠-ヿ]+", "a{1,3}?b++(?:c|d)*?(?=e)(?!f)(?<=g)(?<!h)(?>i)$",
                           "(?i:'s|'t|'re|'ve|'m|'ll|'d)"}) {
    EXPECT_THAT(PcreFromOniguruma(same), IsOkAndHolds(same));
  }
}

TEST(PcreFromOnigurumaTest, TranslatesWhatMeansSomethingElse) {
  EXPECT_THAT(PcreFromOniguruma("a{,3}b{2,}c{d"), IsOkAndHolds("a{0,3}b{2,}c\\{d"));
  EXPECT_THAT(PcreFromOniguruma(R"(\u00e9\x41\x{1F600}\v)"), IsOkAndHolds(R"(\x{00e9}\x{41}\x{1F600}\x{B})"));
  EXPECT_THAT(PcreFromOniguruma("a(?# no )b"), IsOkAndHolds("ab"));
  EXPECT_THAT(PcreFromOniguruma(R"(\p{Greek}\P{Greek}\P{^Zs}[a\p{Lt}])"),
              IsOkAndHolds(R"([\p{sc:Greek}][^\p{sc:Greek}][\p{Zs}][a\p{Lt}])"));
}

TEST(PcreFromOnigurumaTest, ClassesOfCharactersAreUnicodes) {
  // U+3001 is used with Han, but is not of that script.
  EXPECT_EQ(Count("\\p{Han}", "中、"), 1);
  EXPECT_EQ(Count("\\p{Han}", "\U00031350\U0002EBF0"), 2);
  // Letters, digits and signs that are newer than the libraries.
  EXPECT_EQ(Count("\\p{L}", "\u1C89\uA7CB\U00031350-"), 3);
  EXPECT_EQ(Count("[^\\s\\p{L}\\p{N}]", "\u1C89\U00010D40-"), 1);
  EXPECT_EQ(Count("\\d", "1\U00010D40²"), 2);
  EXPECT_EQ(Count("\\w", "²①Ⓐ"), 2);
  EXPECT_EQ(Count("\\S", "a \u3000\u180E"), 2);
  EXPECT_EQ(Count("[^\\S]", "a \u3000\u180E"), 2);
  EXPECT_EQ(Count("\\W", "a_\u0301-"), 1);
  EXPECT_EQ(Count("\\b", "a\u0301b-c"), 4);
  EXPECT_EQ(Count("a\\B", "aa a"), 1);
}

TEST(PcreFromOnigurumaTest, RefusesTheRestByName) {
  const auto refuse = [](const std::string& expression, const std::string& message) {
    EXPECT_THAT(PcreFromOniguruma(expression), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  refuse("[a&&b]", "byte 2: intersections");
  refuse("[a[bc]]", "classes inside classes");
  refuse("[[:alpha:]]", "classes by name");
  refuse("[]a]", "ambiguous");
  refuse("[a", "without its end");
  refuse("(?m:a.)", "the group (?m: is not supported");
  refuse("a(?i)b", "the group (?i) is not supported");
  refuse("(*UTF)a", "(* is not supported");
  refuse("a{1,3}+", "directly behind {...}");
  refuse("a{2}?", "directly behind {...}");
  refuse("(?i:ss)", "\"ss\" where case is ignored");
  refuse("(?i)é", "outside of ASCII where case is ignored");
  for (const char* escape : {"K", "R", "X", "G", "C", "Q", "1", "k", "g", "N"}) {
    refuse(std::string("a\\") + escape, std::string("byte 1: \\") + escape + " is not supported");
  }
  refuse("\\xE4", "a code point");
  refuse("\\p{Emoji}", "the property Emoji");
  refuse("[\\P{L}]", "a negated property inside of a class");
  refuse("\\p{L", "\\p without {name}");
  refuse("a\\", "backslash");
}

TEST(PcreFromOnigurumaTest, CaseIsIgnoredInsideOfTheGroupAlone) {
  EXPECT_THAT(PcreFromOniguruma("(?i:a(?:b))ss"), IsOkAndHolds("(?i:a(?:b))ss"));
  EXPECT_EQ(Count("(?i)ab", "AB ab"), 2);
}

}  // namespace
}  // namespace plumb
