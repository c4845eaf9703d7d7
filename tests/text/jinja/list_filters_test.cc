#include <gtest/gtest.h>

#include "text/jinja/parser.h"
#include "text/jinja/renderer.h"

namespace plumb::jinja {
namespace {

// The value of an expression as text, or the message of the error.
std::string Print(const std::string& expression) {
  const auto syntax = ParseTemplate("{{ " + expression + " }}");
  if (!syntax.ok()) return std::string(syntax.status().message());
  Renderer renderer(*syntax);
  const absl::Status status = renderer.Render(Dict());
  return status.ok() ? renderer.text() : std::string(status.message());
}

TEST(ListFiltersTest, OfLists) {
  EXPECT_EQ(Print("[{'a': 2}, {'a': 1}] | sort(attribute='a') | map(attribute='a') | list"), "[1, 2]");
  EXPECT_EQ(Print("['b', 'A', 'a'] | unique | list ~ [3, 1] | min ~ [3, 1] | max ~ [1, 2] | sum"), "['b', 'A']133");
  EXPECT_EQ(Print("{'b': 1, 'a': 2} | dictsort"), "[('a', 2), ('b', 1)]");
  EXPECT_EQ(Print("[1, 2, 3] | select('odd') | list ~ [1, 0] | reject | list"), "[1, 3][0]");
  EXPECT_EQ(Print("[{'r': 'u'}, {'r': 'a'}] | selectattr('r', '==', 'u') | list | length"), "1");
  EXPECT_EQ(Print("[{'r': 1}, {}] | rejectattr('r', 'defined') | list"), "[{}]");
  EXPECT_EQ(Print("['a', 'b'] | reverse | join('-') ~ [] | first"), "b-a");
  EXPECT_EQ(Print("[1, 'a'] | sort"), "line 1, column 13: values of types str and int have no order");
  EXPECT_EQ(Print("[1] | map('nothing')"), "line 1, column 8: map by the filter nothing");
}

}  // namespace
}  // namespace plumb::jinja
