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

}  // namespace
}  // namespace plumb
