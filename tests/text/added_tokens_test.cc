#include "text/added_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plumb {
namespace {

using ::testing::ElementsAre;
using Part = std::tuple<int64_t, int64_t, int64_t>;

std::vector<Part> Split(const std::vector<AddedToken>& tokens, const std::string& text) {
  std::vector<Part> parts;
  for (const TextPart& part : AddedTokenMatcher(tokens).Split(text)) {
    parts.emplace_back(part.id, part.span.begin, part.span.end);
  }
  return parts;
}

TEST(AddedTokenMatcherTest, CoversTheTextWithTokensAndWhatIsBetween) {
  EXPECT_THAT(Split({{7, "<a>"}}, "x<a><a>yz"),
              ElementsAre(Part(-1, 0, 1), Part(7, 1, 4), Part(7, 4, 7), Part(-1, 7, 9)));
  EXPECT_THAT(Split({{7, "<a>"}}, ""), ElementsAre());
  EXPECT_THAT(Split({}, "ab"), ElementsAre(Part(-1, 0, 2)));
}

TEST(AddedTokenMatcherTest, SpacesOfOneTokenAreNotTakenTwice) {
  AddedToken token{7, "|"};
  token.lstrip = token.rstrip = true;
  EXPECT_THAT(Split({token}, "a | |b"), ElementsAre(Part(-1, 0, 1), Part(7, 1, 4), Part(7, 4, 5), Part(-1, 5, 6)));
}

// As in the library, which cuts the second token out of the first again.
TEST(AddedTokenMatcherTest, ATokenOfSpacesIsFoundInWhatWasTakenAlong) {
  AddedToken greedy{7, "|"};
  greedy.rstrip = true;
  EXPECT_THAT(Split({greedy, {8, "  "}}, "|   a"), ElementsAre(Part(7, 0, 4), Part(8, 1, 3), Part(-1, 3, 5)));
}

TEST(AddedTokenMatcherTest, SingleWordsStandBesideNoWordCharacter) {
  AddedToken word{7, "b"};
  word.single_word = true;
  EXPECT_THAT(Split({word}, "b-b"), ElementsAre(Part(7, 0, 1), Part(-1, 1, 2), Part(7, 2, 3)));
  // A circled letter is alphabetic, a joiner and a mark are parts of words, a superscript digit is none.
  for (const std::string neighbour : {"a", "_", "1", "\u24B6", "\u200D", "\u0301"}) {
    EXPECT_EQ(Split({word}, "b" + neighbour).size(), 1) << neighbour;
    EXPECT_EQ(Split({word}, neighbour + "b").size(), 1) << neighbour;
  }
  EXPECT_EQ(Split({word}, "b²").size(), 2);
}

}  // namespace
}  // namespace plumb
