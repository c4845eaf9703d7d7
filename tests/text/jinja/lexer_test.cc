#include "text/jinja/lexer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace plumb::jinja {
namespace {

using ::plumb::testing::StatusIs;
using ::testing::HasSubstr;

// Texts as they are, other tokens in brackets.
std::string Tokens(const std::string& source) {
  const auto tokens = Tokenize(source);
  if (!tokens.ok()) return std::string(tokens.status().message());
  std::string out;
  for (const Token& token : *tokens) {
    const bool shown = !token.text.empty();
    if (shown) out += token.kind == TokenKind::kText ? token.text : "[" + token.text + "]";
  }
  return out;
}

TEST(TokenizeTest, CutsExpressionsIntoTokens) {
  EXPECT_EQ(Tokens("{{ a.b[1_0]**2 != 1.5e3 }}"), "[a][.][b][[][10][]][**][2][!=][1.5e3]");
  EXPECT_EQ(Tokens("{{ {'a': {}} }}!"), "[{][a][:][{][}][}]!");
  EXPECT_EQ(Tokens("{{ 'a\\n\\'\\x41\\u00e9' \"b\" }}"), "[a\n'Aé][b]");
}

TEST(TokenizeTest, PlacesCountLinesAndColumns) {
  ASSERT_OK_AND_ASSIGN(const auto tokens, Tokenize("a\r\n  {{ x }}"));
  EXPECT_EQ(tokens[2].text, "x");
  EXPECT_EQ(tokens[2].place.line, 2);
  EXPECT_EQ(tokens[2].place.column, 6);
}

TEST(TokenizeTest, BlocksOnTheirOwnLineLeaveNothing) {
  EXPECT_EQ(Tokens("a\n  {% if x %}\nb\n"), "a\n[if][x]b");
  EXPECT_EQ(Tokens("a\n  {# no #}\nb"), "a\nb");
  EXPECT_EQ(Tokens("a {{ x -}} \n b"), "a [x]b");
  EXPECT_EQ(Tokens("  {% raw -%}  {{ x }}  {%- endraw %}\nb"), "{{ x }}b");
}

TEST(TokenizeTest, NamesWhatHasNoEnd) {
  EXPECT_EQ(Tokens("{{ 'a }}"), "line 1, column 4: string without an end");
  EXPECT_EQ(Tokens("\n{# a"), "line 2, column 1: comment without an end");
  EXPECT_EQ(Tokens("{% raw %} a"), "line 1, column 1: raw without endraw");
  EXPECT_EQ(Tokens("{{ a ? }}"), "line 1, column 6: unexpected character '?'");
  EXPECT_EQ(Tokens("{{ é }}"), "line 1, column 4: unexpected character 'é'");
  EXPECT_EQ(Tokens("{{ 99999999999999999999 }}"), "line 1, column 4: number 99999999999999999999 is too large");
  EXPECT_THAT(Tokenize("{{ a"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("inside of a tag")));
}

}  // namespace
}  // namespace plumb::jinja
