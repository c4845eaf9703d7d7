#include "text/jinja/renderer.h"

#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"
#include "text/jinja/evaluator.h"
#include "text/jinja/filters.h"
#include "text/jinja/functions.h"
#include "text/jinja/methods.h"
#include "text/jinja/parser.h"
#include "text/jinja/value_tests.h"

namespace plumb::jinja {
namespace {

// The text, or the message of the error.
std::string Render(const std::string& source, const Json& variables = Json::object()) {
  const auto syntax = ParseTemplate(source);
  if (!syntax.ok()) return std::string(syntax.status().message());
  Renderer renderer(*syntax);
  const absl::Status status = renderer.Render(*Value::OfJson(variables)->dict());
  return status.ok() ? renderer.text() : std::string(status.message());
}

std::string Print(const std::string& expression) { return Render("{{ " + expression + " }}"); }

TEST(RendererTest, MacrosSeeTheTopLevelAndTheirArguments) {
  const std::string macro = "{% set top = 'T' %}{% macro m(a, b='B') %}{{ top }}{{ a }}{{ b }}{% endmacro %}";
  EXPECT_EQ(Render(macro + "{{ m(1) }}{{ m(b=2) }}"), "T1BT2");
  EXPECT_EQ(Render(macro + "{{ m(1, 2, 3) }}"), "line 1, column 84: macro m: 3 arguments, expected 2 at most");
  EXPECT_EQ(Render(macro + "{{ m(c=1) }}"), "line 1, column 84: macro m has no parameter c");
}

TEST(RendererTest, ErrorsInsideOfMacrosHaveTheirOwnPlace) {
  EXPECT_EQ(Render("{% macro m(a) %}\n{{ a.b.c }}{% endmacro %}{{ m({}) }}"),
            "line 2, column 7: dict has no attribute b");
  EXPECT_EQ(Render("{% macro m() %}{{ raise_exception('x') }}{% endmacro %}{{ m() }}"), "x");
}

TEST(RendererTest, NamespacesOutliveLoops) {
  EXPECT_EQ(Render("{% set n = namespace(c=0) %}{% for i in [1, 2] %}{% set n.c = n.c + i %}{% endfor %}{{ n.c }}"),
            "3");
  EXPECT_EQ(Render("{% set n.c = 1 %}"), "line 1, column 4: n is not a namespace");
}

TEST(RendererTest, SpansOfGenerationBlocks) {
  const auto syntax = ParseTemplate("é{% generation %}ab{% endgeneration %}c{% generation %}{% endgeneration %}");
  Renderer renderer(*syntax);
  ASSERT_OK(renderer.Render(*Value::OfJson(Json::object())->dict()));
  ASSERT_EQ(renderer.generation_spans().size(), 2);
  EXPECT_EQ(renderer.generation_spans()[0].begin, 2);
  EXPECT_EQ(renderer.generation_spans()[0].end, 4);
  EXPECT_EQ(Render("{% set x %}{% generation %}{% endgeneration %}{% endset %}"),
            "line 1, column 15: a generation block inside of a macro, a set block or a filter block");
}

TEST(RendererTest, UnpackingCountsItsValues) {
  EXPECT_EQ(Render("{% set a, b = 1, 2 %}{{ b }}{{ a }}"), "21");
  EXPECT_EQ(Render("{% set a, b = [1] %}"), "line 1, column 4: 1 values for 2 names");
}

TEST(FiltersTest, OfTexts) {
  EXPECT_EQ(Print("none | trim ~ '|' ~ ' x ' | trim ~ '|' ~ 'xay' | trim('xy')"), "None|x|a");
  EXPECT_EQ(Print("'aXa' | replace('a', 'b', 1) | lower"), "bxa");
  EXPECT_EQ(Print("'a\nb\n\nc' | indent(2)"), "a\n  b\n\n  c");
  EXPECT_EQ(Print("'<&>' | e ~ 'a b c' | wordcount"), "&lt;&amp;&gt;3");
  EXPECT_EQ(Print("u | default('d') ~ '' | default('d') ~ '' | default('d', true)"), "dd");
}

TEST(FiltersTest, TitleAndWordcountHaveWordsOfTheirOwn) {
  EXPECT_EQ(Print("\"it's a-b (c)\" | title ~ ' ' ~ \"it's\".title()"), "It's A-B (C) It'S");
  EXPECT_EQ(Print("'foo_bar a-b é' | wordcount"), "4");
}

TEST(FiltersTest, ToJsonTakesTheArgumentsOfDumps) {
  EXPECT_EQ(Print("{'a': [1, 2.0, none]} | tojson(separators=(',', ':'))"), "{\"a\":[1,2.0,null]}");
  EXPECT_EQ(Print("{'a': [1]} | tojson(true, 1)"), "{\n \"a\": [\n  1\n ]\n}");
  EXPECT_EQ(Print("{1: 'é', none: 2, true: 3, 1.5: 4} | tojson(indent='-', ensure_ascii=true)"),
            "{\n-\"1\": 3,\n-\"null\": 2,\n-\"1.5\": 4\n}");
  EXPECT_EQ(Print("1 | tojson(separators=',')"), "line 1, column 6: tojson: separators are not a pair of texts");
}

// Jinja looks for attributes in the type first, and for items in the value first.
TEST(EvaluatorTest, MethodsHideKeysOfTheirNames) {
  EXPECT_EQ(Print("{'items': 1}.items is callable ~ {'items': 1}['items'] ~ {}['items'] is callable"), "True1True");
  EXPECT_EQ(Print("{'update': 1}.update is defined ~ {'update': 1}['update']"), "False1");
  EXPECT_EQ(Render("{% set f = 'ab'.upper %}{{ f() }}"), "AB");
  EXPECT_EQ(Print("'a'.upper"), "line 1, column 1: a value of type method has no text form");
  EXPECT_EQ(Print("[{}.items]"), "line 1, column 4: a method inside of another value is not supported");
}

TEST(FiltersTest, OfNumbers) {
  EXPECT_EQ(Print("'42' | int + '1.9' | int + 'x' | int(7)"), "50");
  EXPECT_EQ(Print("2.675 | round(1) ~ ' ' ~ 2.1 | round(0, 'ceil') ~ ' ' ~ -3 | abs ~ ' ' ~ '2' | float"),
            "2.7 3.0 3 2.0");
  EXPECT_EQ(Print("[] | abs"), "line 1, column 7: abs of type list");
}

TEST(MethodsTest, OfTextsDictsAndLists) {
  EXPECT_EQ(Print("'a-b-c'.split('-', 1) ~ 'a b'.rsplit(' ')"), "['a', 'b-c']['a', 'b']");
  EXPECT_EQ(Print("'abc'.startswith(('x', 'a')) ~ 'abc'.find('c') ~ 'aXbX'.count('X')"), "True22");
  EXPECT_EQ(Print("'abc'.removeprefix('a').removesuffix('c') ~ '12'.isdigit() ~ 'a\nb\n'.splitlines()"),
            "bTrue['a', 'b']");
  EXPECT_EQ(Print("{'a': 1}.get('b', 2) ~ {'a': 1}.keys() ~ {'a': 1}.values() ~ [5, 6].index(6)"), "2['a'][1]1");
  EXPECT_EQ(Print("[1].append(2)"),
            "line 1, column 14: the method append would change a list, which templates may not");
  EXPECT_EQ(Print("'  a b  c '.split(none, 1) ~ '  a b  c '.rsplit(none, 1)"), "['a', 'b  c ']['  a b', 'c']");
  EXPECT_EQ(Print("'aXXbXXc'.rsplit('XX', 1) ~ 'abcabc'.rfind('bc') ~ '1²'.isdigit() ~ 'aB'.isupper()"),
            "['aXXb', 'c']4TrueFalse");
  EXPECT_EQ(Print("'a\\r\\nb\\x0bc\u2028'.splitlines()"), "['a', 'b', 'c']");
  EXPECT_EQ(Print("'a'.split('')"), "line 1, column 13: split: empty separator");
}

TEST(FunctionsTest, MakeTheirValues) {
  EXPECT_EQ(Print("range(2, 8, 3) | list ~ range(3) | list ~ dict({'a': 1}, b=2)"), "[2, 5][0, 1, 2]{'a': 1, 'b': 2}");
  EXPECT_EQ(Print("strftime_now('%Y') | length"), "4");
  EXPECT_EQ(Print("range(1, 2, 0)"), "line 1, column 9: range: the step is zero");
  EXPECT_EQ(Print("nothing()"), "line 1, column 11: nothing is undefined");
}

TEST(ValueTestsTest, TellTypesAndCompare) {
  EXPECT_EQ(Print("1 is integer ~ true is integer ~ 1 is number ~ 'a' is sequence ~ {} is mapping ~ u is iterable"),
            "TrueFalseTrueTrueTrueTrue");
  EXPECT_EQ(Print("3 is odd ~ 4 is divisibleby(2) ~ 'a' is in 'abc' ~ 1 is not none ~ 2 is gt 1"),
            "TrueTrueTrueTrueTrue");
  EXPECT_EQ(Print("'a' is odd"), "line 1, column 8: a test of integers on a value of type str");
}

TEST(EvaluatorTest, LogicStopsEarly) {
  EXPECT_EQ(Print("true or u.v"), "True");
  EXPECT_EQ(Print("0 and u.v"), "0");
  EXPECT_EQ(Print("1 if false"), "");
  EXPECT_EQ(Print("'x' if u else 'y'"), "y");
  EXPECT_EQ(Print("3 > 2 > 2"), "False");
}

TEST(RendererTest, StripTakesASetOfCharacters) {
  EXPECT_EQ(Render("{{ 'xyzaéx'.strip('zyxxé') }}{{ 'aab'.lstrip('a') }}{{ 'abb'.rstrip('') }}"), "ababb");
}

// A minute of sorting, were the characters sorted for every call.
TEST(RendererFaultTest, StrippingManyCharactersIsPaidFor) {
  const std::string many = "{% set many = 'abcdefgh' * 125000 %}";
  EXPECT_EQ(Render(many + "{{ 'xa'.strip(many) }}"), "x");
  EXPECT_THAT(Render(many + "{% for i in range(100) %}{{ 'xa'.strip(many) }}{% endfor %}"),
              ::testing::HasSubstr("more than 10000000 steps"));
}

// Half a minute, were a list that prints a million characters paid for as its one member.
TEST(RendererFaultTest, QuotingManyCharactersIsPaidFor) {
  const std::string many = "{% set many = ['abcdefgh' * 125000] %}";
  for (const std::string print : {"{% set _ = many|string %}", "{% set _ = many|tojson %}", "{% set _ = 'a' ~ many %}",
                                  "{% set _ = '%s' % many %}", "{% set _ = [many]|join %}", "{{ many }}"}) {
    EXPECT_THAT(Render(many + print), ::testing::Not(::testing::HasSubstr("steps"))) << print;
    EXPECT_THAT(Render(many + "{% for i in range(24) %}" + print + "{% endfor %}"),
                ::testing::HasSubstr("more than 10000000 steps"))
        << print;
  }
}

}  // namespace
}  // namespace plumb::jinja
