#include "text/jinja/value_tests.h"

#include <string>
#include <utility>

#include "base/status_macros.h"
#include "text/jinja/filters.h"
#include "text/jinja/operators.h"
#include "text/jinja/python_text.h"

namespace plumb::jinja {
namespace {

using TestResult = absl::StatusOr<bool>;

absl::StatusOr<Value> Other(const Arguments& arguments) {
  if (arguments.positional.size() == 1) return arguments.positional[0];
  return absl::InvalidArgumentError(absl::StrCat(arguments.positional.size(), " arguments of a test, expected 1"));
}

absl::StatusOr<int64_t> Integer(const Value& value) {
  if (value.is_integral()) return value.integer();
  return absl::InvalidArgumentError(absl::StrCat("a test of integers on a value of type ", value.TypeName()));
}

// The operator stands behind the names of a comparing test.
template <int kOperator>
TestResult Comparing(const Value& value, const Arguments& arguments) {
  constexpr const char* kOperators[] = {"==", "!=", "<", "<=", ">", ">=", "in"};
  ASSIGN_OR_RETURN(const Value other, Other(arguments));
  return Compare(kOperators[kOperator], value, other);
}

TestResult IsDivisibleBy(const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const Value other, Other(arguments));
  ASSIGN_OR_RETURN(const Value rest, Binary("%", value, other));
  return !rest.Truth();
}

TestResult IsOdd(const Value& value, const Arguments&) {
  ASSIGN_OR_RETURN(const int64_t integer, Integer(value));
  return integer % 2 != 0;
}

TestResult IsEven(const Value& value, const Arguments&) {
  ASSIGN_OR_RETURN(const int64_t integer, Integer(value));
  return integer % 2 == 0;
}

TestResult IsSameAs(const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const Value other, Other(arguments));
  return value.TypeName() == other.TypeName() && Equal(value, other);
}

TestResult IsLower(const Value& value, const Arguments&) {
  ASSIGN_OR_RETURN(const std::string text, ToText(value));
  return ToLower(text) == text && ToUpper(text) != text;
}

TestResult IsUpper(const Value& value, const Arguments&) {
  ASSIGN_OR_RETURN(const std::string text, ToText(value));
  return ToUpper(text) == text && ToLower(text) != text;
}

TestResult IsFilter(const Value& value, const Arguments&) {
  return value.is_text() && FindFilter(value.text()) != nullptr;
}

TestResult IsTest(const Value& value, const Arguments&) { return value.is_text() && FindTest(value.text()) != nullptr; }

bool IsSequence(const Value& value) { return value.is_text() || value.list() != nullptr || value.dict() != nullptr; }

constexpr std::pair<absl::string_view, Test> kTests[] = {
    {"defined", [](const Value& v, const Arguments&) -> TestResult { return !v.is_undefined(); }},
    {"undefined", [](const Value& v, const Arguments&) -> TestResult { return v.is_undefined(); }},
    {"none", [](const Value& v, const Arguments&) -> TestResult { return v.is_none(); }},
    {"string", [](const Value& v, const Arguments&) -> TestResult { return v.is_text(); }},
    {"number", [](const Value& v, const Arguments&) -> TestResult { return v.is_number(); }},
    {"integer", [](const Value& v, const Arguments&) -> TestResult { return v.is_int(); }},
    {"float", [](const Value& v, const Arguments&) -> TestResult { return v.is_float(); }},
    {"boolean", [](const Value& v, const Arguments&) -> TestResult { return v.is_bool(); }},
    {"true", [](const Value& v, const Arguments&) -> TestResult { return v.is_bool() && v.Truth(); }},
    {"false", [](const Value& v, const Arguments&) -> TestResult { return v.is_bool() && !v.Truth(); }},
    {"mapping", [](const Value& v, const Arguments&) -> TestResult { return v.dict() != nullptr; }},
    {"sequence", [](const Value& v, const Arguments&) -> TestResult { return IsSequence(v); }},
    {"iterable", [](const Value& v, const Arguments&) -> TestResult { return IsSequence(v) || v.is_undefined(); }},
    {"callable", [](const Value& v, const Arguments&) -> TestResult { return v.is_function(); }},
    {"odd", IsOdd},
    {"even", IsEven},
    {"divisibleby", IsDivisibleBy},
    {"sameas", IsSameAs},
    {"lower", IsLower},
    {"upper", IsUpper},
    {"filter", IsFilter},
    {"test", IsTest},
    {"eq", Comparing<0>},
    {"equalto", Comparing<0>},
    {"ne", Comparing<1>},
    {"lt", Comparing<2>},
    {"lessthan", Comparing<2>},
    {"le", Comparing<3>},
    {"gt", Comparing<4>},
    {"greaterthan", Comparing<4>},
    {"ge", Comparing<5>},
    {"in", Comparing<6>},
    {"==", Comparing<0>},
    {"!=", Comparing<1>},
    {"<", Comparing<2>},
    {"<=", Comparing<3>},
    {">", Comparing<4>},
    {">=", Comparing<5>},
};

}  // namespace

Test FindTest(absl::string_view name) {
  for (const auto& [own, test] : kTests) {
    if (own == name) return test;
  }
  return nullptr;
}

}  // namespace plumb::jinja
