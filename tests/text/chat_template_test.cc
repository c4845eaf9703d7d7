#include "text/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"
#include "text/unicode.h"

namespace plumb {
namespace {

using ::plumb::testing::GoldenPath;
using ::plumb::testing::MustReadJson;
using ::plumb::testing::MustReadJsonLines;
using ::plumb::testing::StatusIs;
using ::testing::HasSubstr;

const ChatTemplate& GoldenTemplate(const std::string& name) {
  static auto* templates = new std::map<std::string, std::unique_ptr<ChatTemplate>>();
  auto& entry = (*templates)[name];
  if (entry == nullptr) {
    const Json json = MustReadJson(GoldenPath("chat/templates/" + name + ".jinja.json"));
    auto parsed = ChatTemplate::Parse(json["chat_template"].get<std::string>());
    EXPECT_TRUE(parsed.ok()) << name << ": " << parsed.status();
    entry = *std::move(parsed);
  }
  return *entry;
}

// Spans in code points, as the goldens have them.
Json CodePointSpans(const RenderedChat& chat) {
  Json spans = Json::array();
  const auto count = [&](int64_t bytes) { return CodePoints(absl::string_view(chat.text).substr(0, bytes)).size(); };
  for (const ByteSpan span : chat.assistant_spans) spans.push_back({count(span.begin), count(span.end)});
  return spans;
}

TEST(ChatTemplateGoldenTest, RendersAsTheReference) {
  int cases = 0;
  for (const Json& row : MustReadJsonLines(GoldenPath("chat/cases.jsonl"))) {
    ++cases;
    const ChatTemplate& chat_template = GoldenTemplate(row["template"]);
    Json variables = row;
    for (const char* key : {"template", "expected", "expected_error", "assistant_char_spans"}) variables.erase(key);
    if (!variables.contains("tools")) variables["tools"] = nullptr;
    const absl::StatusOr<RenderedChat> rendered = chat_template.Render(variables);
    if (row.contains("expected_error")) {
      const Json& error = row["expected_error"];
      EXPECT_EQ(rendered.status().code(), absl::StatusCode::kInvalidArgument) << row.dump();
      if (error["kind"] == "raise_exception") {
        EXPECT_EQ(rendered.status().message(), error["message"].get<std::string>());
      } else {
        EXPECT_THAT(std::string(rendered.status().message()), HasSubstr("line ")) << row.dump();
      }
      continue;
    }
    ASSERT_TRUE(rendered.ok()) << rendered.status() << "\n" << row.dump();
    EXPECT_EQ(rendered->text, row["expected"].get<std::string>()) << row["template"];
    EXPECT_EQ(chat_template.has_generation_blocks(), row.contains("assistant_char_spans"));
    if (row.contains("assistant_char_spans")) {
      EXPECT_EQ(CodePointSpans(*rendered), row["assistant_char_spans"]);
    }
  }
  EXPECT_EQ(cases, 600);
}

std::string Render(const std::string& source, const Json& variables = Json::object()) {
  auto parsed = ChatTemplate::Parse(source);
  if (!parsed.ok()) return std::string(parsed.status().message());
  const auto rendered = (*parsed)->Render(variables);
  return rendered.ok() ? rendered->text : std::string(rendered.status().message());
}

TEST(ChatTemplateTest, ErrorsNameLineAndColumn) {
  EXPECT_EQ(Render("a\n{{ b.c }}"), "line 2, column 5: b is undefined");
  EXPECT_EQ(Render("{% if x %}"), "line 1, column 11: expected {% endif %}, found the end");
  EXPECT_EQ(Render("\n  {% include 'x' %}"), "line 2, column 6: the tag include is not supported here");
  EXPECT_EQ(Render("{{ 1 + 'a' }}"), "line 1, column 6: operator + does not fit the types int and str");
  EXPECT_EQ(Render("{{ x | nofilter }}"), "line 1, column 6: there is no filter nofilter");
  EXPECT_EQ(Render("{{ raise_exception('just this') }}"), "just this");
  EXPECT_EQ(Render("{% for i in range(9999999) %}{{ i }}{% endfor %}"),
            "line 1, column 18: a list of 1048577 members, the limit is 1048576");
  EXPECT_EQ(Render("{% for a in range(99999) %}{% for b in range(999) %}{% endfor %}{% endfor %}"),
            "line 1, column 31: the template takes more than 10000000 steps");
}

TEST(ChatTemplateTest, TemplatesCannotRunOrGrowWithoutEnd) {
  const auto refuse = [](const std::string& source, const std::string& message) {
    ASSERT_OK_AND_ASSIGN(const auto parsed, ChatTemplate::Parse(source));
    EXPECT_THAT(parsed->Render(Json::object()), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr(message)));
  };
  const std::string many = "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}";
  refuse(many, "steps");
  refuse("{{ 'aaaaaaaaaa' * 1000000000 }}", "bytes");
  refuse("{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}", "steps");
  refuse("{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", "recursion");
  refuse("{% set ns = namespace(x=[]) %}{% for i in range(999) %}{% set ns.x = [ns.x] %}{% endfor %}", "nested");
  refuse("{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
         "steps");
  // Work and memory that hide in one operation.
  refuse("{% set s = 'a' * 1000000 %}{% for x in ([s] * 1000) | map('upper') | list %}{% endfor %}", "steps");
  refuse("{% set s = 'a' * 1000000 %}{{ ([s, s ~ 'b'] * 1000) | sort | length }}", "steps");
  // Each character becomes a value.
  refuse("{% set s = 'a' * 900000 %}{{ s | list is defined }}{{ s | list is defined }}{{ s | list is defined }}",
         "steps");
  refuse("{% set s = 'a' * 900000 %}{% for i in [1, 2, 3] %}{{ ','.join(s) is defined }}{% endfor %}", "steps");
  refuse("{% set s = 'a' * 1000 %}{{ s | replace('a', s) | replace('a', s) }}", "bytes");
  refuse(
      "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}"
      "{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
      "steps");
  refuse("{% set ns = namespace(x=[]) %}{% for i in range(1000) %}{% set ns.x = ns.x + [range(1000000)] %}{% endfor %}",
         "steps");
  EXPECT_THAT(ChatTemplate::Parse(std::string(2 << 20, 'a')),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("2097152 bytes")));
  EXPECT_THAT(Render("{{ " + std::string(5000, '(') + std::string(5000, ')') + " }}"), HasSubstr("nested too deeply"));
  std::string sum = "{{ 1";
  for (int i = 0; i < 5000; ++i) sum += "+1";
  EXPECT_THAT(Render(sum + " }}"), HasSubstr("too long"));
}

// Each of these once took time or memory without bound.
TEST(ChatTemplateFaultTest, HostileOperationsEnd) {
  EXPECT_EQ(Render("{{ '' * 9223372036854775807 }}|"), "|");
  EXPECT_THAT(Render("{{ '%d' % 1e300 }}"), HasSubstr("%d of a number beyond 64 bits"));
  EXPECT_THAT(Render("{{ 1 | round(-9223372036854775807 - 1) }}"), HasSubstr("precision -9223372036854775808"));
  EXPECT_THAT(Render("{{ strftime_now('a' * 1000000) }}"), HasSubstr("more than 1000 bytes"));
  EXPECT_EQ(Render("{{ ('a' * 1000000).strip('b' * 100000 ~ 'a') | length }}"), "0");
  EXPECT_EQ(Render("{{ ('a' * 1000000 ~ 'b') in ('a' * 2000000) }}"), "False");
  EXPECT_EQ(Render("{{ ('a' * 2000000).rfind('b' ~ 'a' * 1000000) }}"), "-1");
  EXPECT_THAT(Render("{{ (['a' * 100000] * 10000) | map('upper') | list | length }}"), HasSubstr("steps"));
  EXPECT_THAT(Render("{% set n = namespace(x=[1], y=[1]) %}{% for i in range(60) %}"
                     "{% set n.x = [n.x, n.x] %}{% set n.y = [n.y, n.y] %}{% endfor %}{{ n.x == n.y }}"),
              HasSubstr("steps"));
}

TEST(ChatTemplateTest, IndentsLinesOfAnyLength) {
  const std::string line(100, 'a');
  EXPECT_EQ(Render("{{ ('a' * 100 ~ '\\n' ~ 'a' * 100 ~ '\\n') | indent(2) }}"), line + "\n  " + line + "\n");
}

// Two values of equal form that share their parts: comparing them member by member would never end.
TEST(ChatTemplateFaultTest, ComparisonsOfSharedListsArePaidFor) {
  const std::string twins =
      "{% set n = namespace(x=[1], y=[1]) %}{% for i in range(60) %}"
      "{% set n.x = [n.x, n.x] %}{% set n.y = [n.y, n.y] %}{% endfor %}";
  EXPECT_THAT(Render(twins + "{{ [n.x].index(n.y) }}"), HasSubstr("steps"));
  EXPECT_THAT(Render(twins + "{{ [n.x].count(n.y) }}"), HasSubstr("steps"));
  EXPECT_THAT(Render(twins + "{% for v in [1] %}{{ loop.changed(n.x) }}{{ loop.changed(n.y) }}{% endfor %}"),
              HasSubstr("steps"));
}

TEST(ChatTemplateFaultTest, WorkForEachMemberIsPaidFor) {
  EXPECT_THAT(Render("{{ range(100000) | map('replace', 'b' * 100000, 'c') | list | length }}"), HasSubstr("steps"));
  EXPECT_THAT(Render("{% set s = 'a' * 1000000 %}{% for a in s %}{% for b in s %}{% for c in s %}{% endfor %}"
                     "{% endfor %}{% endfor %}"),
              HasSubstr("steps"));
}

TEST(ChatTemplateTest, ALongSourceIsNotParsed) {
  EXPECT_THAT(ChatTemplate::Parse(std::string((size_t{1} << 20) + 1, 'a')),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("has 1048577 bytes, at most 1048576")));
}

TEST(ChatTemplateTest, WhiteSpaceAroundTags) {
  EXPECT_EQ(Render("a\n  {% if true %}\n  b\n  {% endif %}\nc\n"), "a\n  b\nc");
  EXPECT_EQ(Render("a  {%- if true -%}  b  {%- endif -%}  c"), "abc");
  EXPECT_EQ(Render("  {%+ if true +%}\nb{% endif %}"), "  \nb");
  EXPECT_EQ(Render("a {#- x -#} b\n  {# y #}\nc"), "ab\nc");
  EXPECT_EQ(Render("a\n{{- 1 -}}\n b"), "a1b");
  EXPECT_EQ(Render("{% raw %}{{ x }}{% endraw %}\ny"), "{{ x }}y");
}

TEST(ChatTemplateTest, LoopsAndScopes) {
  EXPECT_EQ(Render("{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}"), "221");
  EXPECT_EQ(Render("{% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}{{ v }}{% endfor %}"), "a1b2");
  EXPECT_EQ(Render("{% for x in 'abc' %}{{ loop.cycle('-', '+') }}{{ x }}{{ loop.revindex }}{% endfor %}"),
            "-a3+b2-c1");
  EXPECT_EQ(Render("{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}"), "3");
  EXPECT_EQ(Render("{% set x | upper %}ab{% endset %}{{ x }}{% filter trim %} y {% endfilter %}"), "ABy");
}

TEST(ChatTemplateTest, AgreesWithPythonOnValues) {
  EXPECT_EQ(Render("{{ [1, 2.0, 'a\\'b', none, true, {'k': (1,)}] }}"), "[1, 2.0, \"a'b\", None, True, {'k': (1,)}]");
  EXPECT_EQ(Render("{{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 1e20 }} {{ 0.1 + 0.2 }}"),
            "-4 2 3.5 1e+20 0.30000000000000004");
  EXPECT_EQ(Render("{{ 'aéb'[1] }}{{ 'abc'[-2:] }}{{ 'abc'[::2] }}"), "ébcac");
  EXPECT_EQ(Render("{{ {'b': [1, {}], 'a': 'é\"'} | tojson(indent=2, sort_keys=true) }}"),
            "{\n  \"a\": \"é\\\"\",\n  \"b\": [\n    1,\n    {}\n  ]\n}");
  EXPECT_EQ(Render("{{ 'a b  c'.split() | join('|') }} {{ 'a,b,c'.rsplit(',', 1) | last }}"), "a|b|c c");
  EXPECT_EQ(Render("{{ [3, 1, 2] | sort | map('string') | join }} {{ ['b', 'A'] | sort | first }}"), "123 A");
  EXPECT_EQ(Render("{{ 1 < 2 < 3 }} {{ 1 in [1] }} {{ 'x' not in 'abc' }} {{ not 1 == 2 }}"), "True True True True");
  EXPECT_EQ(Render("{{ '%05.1f|%-4s|%d' | format(3.14159, 'é', 7) }}"), "003.1|é   |7");
}

TEST(ChatTemplateTest, IntegersThatWouldBeRoundedAreRefused) {
  const auto echo = *ChatTemplate::Parse("{{ a }}");
  EXPECT_EQ(echo->Render({{"a", INT64_MAX}})->text, "9223372036854775807");
  EXPECT_THAT(echo->Render({{"a", UINT64_MAX}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("18446744073709551615")));
}

}  // namespace
}  // namespace plumb
