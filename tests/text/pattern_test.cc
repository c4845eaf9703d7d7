#include "text/pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The matches as texts.
std::vector<std::string> Matches(const std::string& expression, const std::string& text) {
  auto pattern = Pattern::Compile(expression);
  EXPECT_TRUE(pattern.ok()) << pattern.status();
  PatternSearch search;
  std::vector<ByteSpan> spans;
  EXPECT_OK((*pattern)->FindAll(text, search, &spans));
  std::vector<std::string> matches;
  for (const ByteSpan span : spans) matches.push_back(text.substr(span.begin, span.end - span.begin));
  return matches;
}

TEST(PatternTest, TheDollarIsTheEndOfALine) { EXPECT_THAT(Matches("a$", "a\nba\naa"), ElementsAre("a", "a", "a")); }

TEST(PatternTest, ClassesAreUnicodes) {
  EXPECT_THAT(Matches("\\s", "a\xC2\x85\xE3\x80\x80"), ElementsAre("\xC2\x85", "\xE3\x80\x80"));
  EXPECT_THAT(Matches("\\s", "\xE1\xA0\x8E"), ElementsAre());  // U+180E is no white space
  EXPECT_THAT(Matches("[^\\s\\p{L}]+", "é1! x"), ElementsAre("1!"));
  EXPECT_THAT(Matches("\\w+", "naïve_1-2"), ElementsAre("naïve_1", "2"));
}

TEST(PatternTest, IgnoresCaseInsideItsGroup) {
  EXPECT_THAT(Matches("(?i:'s)|S", "'S's'\xC5\xBFsS"), ElementsAre("'S", "'s", "'\xC5\xBF", "S"));
}

TEST(PatternTest, TakesTheFirstAlternativeThatMatches) { EXPECT_THAT(Matches("a|ab", "ab"), ElementsAre("a")); }

TEST(PatternTest, EmptyMatchesAdvanceByCharacters) { EXPECT_THAT(Matches("x*", "éxx"), ElementsAre("", "xx")); }

TEST(PatternTest, LiteralsMatchThemselves) {
  ASSERT_OK_AND_ASSIGN(const auto pattern, Pattern::Literal("a.[b]\\"));
  PatternSearch search;
  std::vector<ByteSpan> spans;
  EXPECT_OK(pattern->FindAll("axbba.[b]\\", search, &spans));
  ASSERT_EQ(spans.size(), 1);
  EXPECT_EQ(spans[0].begin, 4);
}

TEST(PatternTest, FindsWhatIsFarAway) {
  // Further than one look goes, and in characters of several bytes.
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "é";
  EXPECT_THAT(Matches("x+|é$", text + "\nxx"), ElementsAre("é", "xx"));
  EXPECT_THAT(Matches("(?<=é)x", text + "x" + text + "x"), ElementsAre("x", "x"));
}

TEST(PatternTest, NamesThePlaceOfAMistake) {
  EXPECT_THAT(Pattern::Compile("(a"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("parenthes")));
}

TEST(PatternTest, GivesUpAtTheMatchLimit) {
  ASSERT_OK_AND_ASSIGN(const auto pattern, Pattern::Compile("(a+)+b|(a|aa)+c"));
  PatternSearch search;
  std::vector<ByteSpan> spans;
  EXPECT_THAT(pattern->FindAll(std::string(64, 'a'), search, &spans),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("limit")));
}

}  // namespace
}  // namespace plumb
