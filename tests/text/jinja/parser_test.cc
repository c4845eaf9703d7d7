#include "text/jinja/parser.h"

#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"
#include "text/jinja/expression_parser.h"

namespace plumb::jinja {
namespace {

std::string Message(const std::string& source) {
  const auto syntax = ParseTemplate(source);
  return syntax.ok() ? "OK" : std::string(syntax.status().message());
}

// The tree in prefix form.
std::string Tree(const Expression& expression) {
  std::string out = expression.kind == ExpressionKind::kConstant ? ToText(expression.value).value() : expression.name;
  if (expression.children.empty()) return out;
  if (out.empty()) out = expression.kind == ExpressionKind::kComparison ? expression.names[0] : "?";
  out += "(";
  for (const auto& child : expression.children) out += (out.back() == '(' ? "" : " ") + Tree(*child);
  return out + ")";
}

std::string TreeOf(const std::string& source) {
  TokenStream tokens(Tokenize("{{ " + source + " }}").value());
  tokens.Next();
  const auto expression = ExpressionParser(tokens).Parse();
  return expression.ok() ? Tree(**expression) : std::string(expression.status().message());
}

TEST(ExpressionParserTest, BindsAsJinjaDoes) {
  EXPECT_EQ(TreeOf("1 + 2 * 3 ~ 'x'"), "+(1 ~(*(2 3) x))");
  EXPECT_EQ(TreeOf("-a ** 2"), "**(-(a) 2)");
  EXPECT_EQ(TreeOf("'a' + b | trim"), "+(a trim(b))");
  EXPECT_EQ(TreeOf("a.b['c'](1) | d"), "d(?(?(b(a) c) 1))");
  EXPECT_EQ(TreeOf("x is divisibleby 3"), "divisibleby(x 3)");
  EXPECT_EQ(TreeOf("a == b + 1"), "==(a +(b 1))");
}

TEST(ExpressionParserTest, NamesWhatItExpected) {
  EXPECT_EQ(TreeOf("a +"), "line 1, column 8: expected an expression, found }}");
  EXPECT_EQ(TreeOf("f(a b)"), "line 1, column 8: expected ,, found b");
  EXPECT_EQ(TreeOf("a is nothing"), "line 1, column 6: there is no test nothing");
  EXPECT_EQ(TreeOf("f(*a)"), "line 1, column 6: unpacked arguments (*, **) are not supported");
  EXPECT_EQ(TreeOf("a[1:2:3:4]"), "line 1, column 5: a slice has at most three parts");
}

TEST(ParseTemplateTest, KnowsItsTags) {
  EXPECT_EQ(Message("{% if a %}{% elif b %}{% else %}{% endif %}"), "OK");
  EXPECT_EQ(Message("{% for a, b in c if d %}{% else %}{% endfor %}"), "OK");
  EXPECT_EQ(Message("{% set a.b = 1 %}{% set c %}{% endset %}{% macro m(a, b=1) %}{% endmacro %}{% do m(1) %}"), "OK");
  EXPECT_EQ(Message("{% extends 'x' %}"), "line 1, column 4: the tag extends is not supported here");
  EXPECT_EQ(Message("{% endif %}"), "line 1, column 4: the tag endif is not supported here");
  EXPECT_EQ(Message("{% if a %}{% macro m() %}{% endmacro %}{% endif %}"), "OK");
  EXPECT_EQ(Message("{% for i in a %}{% macro m() %}{% endmacro %}{% endfor %}"),
            "line 1, column 20: a macro inside of a loop, a macro or another block is not supported");
  EXPECT_EQ(Message("{% break %}"), "line 1, column 4: break outside of a loop");
  EXPECT_EQ(Message("{% for x in y recursive %}{% endfor %}"), "line 1, column 15: recursive loops are not supported");
  EXPECT_EQ(Message("{% if a %}{% endfor %}"),
            "line 1, column 14: the tag endfor does not fit here, where the tag if of line 1, column 4 is open");
  EXPECT_EQ(Message("{% if a %}\n{% generation %}{% else %}"),
            "line 2, column 20: the tag else does not fit here, where the tag generation of line 2, column 4 is open");
}

TEST(ParseTemplateTest, FindsGenerationBlocks) {
  EXPECT_TRUE(ParseTemplate("{% generation %}a{% endgeneration %}")->has_generation);
  EXPECT_FALSE(ParseTemplate("a")->has_generation);
}

}  // namespace
}  // namespace plumb::jinja
