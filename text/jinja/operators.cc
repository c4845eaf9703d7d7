#include "text/jinja/operators.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "base/status_macros.h"
#include "text/jinja/methods.h"
#include "text/jinja/python_format.h"
#include "text/jinja/python_text.h"
#include "text/unicode.h"

namespace plumb::jinja {
namespace {

absl::Status TypesDoNotFit(absl::string_view op, const Value& left, const Value& right) {
  if (left.is_undefined()) return UndefinedError(left);
  if (right.is_undefined()) return UndefinedError(right);
  return absl::InvalidArgumentError(
      absl::StrCat("operator ", op, " does not fit the types ", left.TypeName(), " and ", right.TypeName()));
}

absl::Status Overflow(absl::string_view op) {
  return absl::InvalidArgumentError(absl::StrCat("the result of ", op, " does not fit 64 bits"));
}

absl::StatusOr<Value> PowerOfIntegers(int64_t base, int64_t exponent) {
  if (exponent < 0) return Value::OfFloat(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  if (base == 0 || base == 1 || base == -1)
    return Value::OfInt(exponent == 0 ? 1 : exponent % 2 == 0 ? base * base : base);
  int64_t result = 1;
  for (; exponent > 0; --exponent) {
    if (__builtin_mul_overflow(result, base, &result)) return Overflow("**");
  }
  return Value::OfInt(result);
}

// Python rounds quotients down, and the rest has the divisor's sign.
absl::StatusOr<Value> DivideIntegers(absl::string_view op, int64_t left, int64_t right) {
  if (right == 0) return absl::InvalidArgumentError("division by zero");
  if (right == -1) {
    if (left == INT64_MIN) return Overflow(op);
    return Value::OfInt(op == "//" ? -left : 0);
  }
  const bool adjust = left % right != 0 && (left < 0) != (right < 0);
  return Value::OfInt(op == "//" ? left / right - (adjust ? 1 : 0) : left % right + (adjust ? right : 0));
}

absl::StatusOr<Value> OfIntegers(absl::string_view op, int64_t left, int64_t right) {
  int64_t result = 0;
  bool overflow = false;
  if (op == "+") {
    overflow = __builtin_add_overflow(left, right, &result);
  } else if (op == "-") {
    overflow = __builtin_sub_overflow(left, right, &result);
  } else if (op == "*") {
    overflow = __builtin_mul_overflow(left, right, &result);
  } else if (op == "**") {
    return PowerOfIntegers(left, right);
  } else {
    return DivideIntegers(op, left, right);
  }
  if (overflow) return Overflow(op);
  return Value::OfInt(result);
}

absl::StatusOr<Value> OfFloats(absl::string_view op, double left, double right) {
  if (op == "+") return Value::OfFloat(left + right);
  if (op == "-") return Value::OfFloat(left - right);
  if (op == "*") return Value::OfFloat(left * right);
  if (op == "**") return Value::OfFloat(std::pow(left, right));
  if (right == 0) return absl::InvalidArgumentError("division by zero");
  if (op == "/") return Value::OfFloat(left / right);
  if (op == "//") return Value::OfFloat(std::floor(left / right));
  const double rest = std::fmod(left, right);
  return Value::OfFloat(rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest);
}

absl::StatusOr<Value> Repeat(const Value& value, int64_t count) {
  count = std::max<int64_t>(count, 0);
  if (value.is_text()) {
    if (value.text().empty()) return value;
    if (count > static_cast<int64_t>(kMaxTextBytes / value.text().size())) return TextTooLarge();
    std::string text;
    for (int64_t i = 0; i < count; ++i) text += value.text();
    return Value::OfText(std::move(text));
  }
  std::vector<Value> items;
  const std::vector<Value>& own = value.list()->items;
  for (int64_t i = 0; i < count && !own.empty() && items.size() <= kMaxListSize; ++i) {
    items.insert(items.end(), own.begin(), own.end());
  }
  return Value::OfList(std::move(items), value.list()->is_tuple);
}

absl::StatusOr<bool> Contains(const Value& container, const Value& wanted) {
  if (container.is_text()) {
    if (!wanted.is_text()) return TypesDoNotFit("in", wanted, container);
    return FindText(container.text(), wanted.text()) != absl::string_view::npos;
  }
  if (container.dict() != nullptr) return FindKey(*container.dict(), wanted) != nullptr;
  ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(container));
  return std::any_of(items.begin(), items.end(), [&](const Value& item) { return Equal(item, wanted); });
}

Value Missing(const Value& value, absl::string_view kind, absl::string_view name) {
  constexpr size_t kLongest = 100;
  return Value::OfUndefined(absl::StrCat(value.TypeName(), " has no ", kind, " ", name.substr(0, kLongest)));
}

// A method, or the undefined value that Jinja's sandbox gives for one that would change the value; none for others.
std::optional<Value> MethodOf(const Value& value, absl::string_view name) {
  if (HasMethod(value, name)) {
    return Value::OfFunction({.name = std::string(name), .self = std::make_shared<const Value>(value)});
  }
  constexpr absl::string_view kChanging[] = {"append",  "clear",      "extend", "insert", "pop",
                                             "popitem", "setdefault", "update", "remove"};
  const bool is_container = value.dict() != nullptr || value.list() != nullptr;
  if (!is_container || std::find(std::begin(kChanging), std::end(kChanging), name) == std::end(kChanging)) return {};
  if (value.dict() != nullptr && (name == "append" || name == "extend" || name == "insert" || name == "remove")) {
    return {};
  }
  return Value::OfUndefined(
      absl::StrCat("the method ", name, " would change a ", value.TypeName(), ", which templates may not"));
}

Value LoopField(const Loop& loop, absl::string_view name) {
  const auto index = static_cast<int64_t>(loop.index);
  const auto length = static_cast<int64_t>(loop.items.size());
  if (name == "index") return Value::OfInt(index + 1);
  if (name == "index0") return Value::OfInt(index);
  if (name == "revindex") return Value::OfInt(length - index);
  if (name == "revindex0") return Value::OfInt(length - index - 1);
  if (name == "first") return Value::OfBool(index == 0);
  if (name == "last") return Value::OfBool(index + 1 == length);
  if (name == "length") return Value::OfInt(length);
  if (name == "depth") return Value::OfInt(loop.depth);
  if (name == "depth0") return Value::OfInt(loop.depth - 1);
  if (name == "previtem" && index > 0) return loop.items[index - 1];
  if (name == "nextitem" && index + 1 < length) return loop.items[index + 1];
  return Value::OfUndefined(absl::StrCat("loop has no ", name, " here"));
}

struct Range {
  int64_t start;
  int64_t stop;
  int64_t step;
};

// The indices of a Python slice of `size` members.
absl::StatusOr<Range> SliceRange(int64_t size, const Value& start, const Value& stop, const Value& step) {
  for (const Value* part : {&start, &stop, &step}) {
    if (!part->is_none() && !part->is_integral()) {
      return absl::InvalidArgumentError(absl::StrCat("a slice by ", part->TypeName(), ", expected int"));
    }
  }
  const int64_t by = step.is_none() ? 1 : step.integer();
  if (by == 0 || by == INT64_MIN) return absl::InvalidArgumentError("a slice's step must not be zero");
  const int64_t low = by > 0 ? 0 : -1;
  const int64_t high = by > 0 ? size : size - 1;
  const auto bound = [&](const Value& part, int64_t fallback) {
    if (part.is_none()) return fallback;
    const int64_t index = part.integer() < 0 ? std::max(part.integer(), -size - 1) + size : part.integer();
    return std::clamp(index, low, high);
  };
  return Range{bound(start, by > 0 ? low : high), bound(stop, by > 0 ? high : low), by};
}

}  // namespace

absl::Status UndefinedError(const Value& undefined) { return absl::InvalidArgumentError(undefined.undefined_reason()); }

absl::StatusOr<Value> Unary(absl::string_view op, const Value& operand) {
  if (operand.is_undefined()) return UndefinedError(operand);
  if (operand.is_integral() && op == "-") return OfIntegers("-", 0, operand.integer());
  if (operand.is_integral()) return Value::OfInt(operand.integer());
  if (operand.is_float()) return Value::OfFloat(op == "-" ? -operand.number() : operand.number());
  return absl::InvalidArgumentError(absl::StrCat("sign ", op, " does not fit the type ", operand.TypeName()));
}

absl::StatusOr<Value> Binary(absl::string_view op, const Value& left, const Value& right) {
  if (op == "~") {
    ASSIGN_OR_RETURN(std::string text, ToText(left));
    ASSIGN_OR_RETURN(const std::string tail, ToText(right));
    return CheckedText(text + tail);
  }
  if (left.is_integral() && right.is_integral() && op != "/") return OfIntegers(op, left.integer(), right.integer());
  if (left.is_number() && right.is_number()) return OfFloats(op, left.number(), right.number());
  if (op == "+" && left.is_text() && right.is_text()) return CheckedText(left.text() + right.text());
  if (op == "+" && left.list() != nullptr && right.list() != nullptr &&
      left.list()->is_tuple == right.list()->is_tuple) {
    std::vector<Value> items = left.list()->items;
    items.insert(items.end(), right.list()->items.begin(), right.list()->items.end());
    return Value::OfList(std::move(items), left.list()->is_tuple);
  }
  if (op == "*" && right.is_integral() && (left.is_text() || left.list() != nullptr))
    return Repeat(left, right.integer());
  if (op == "*" && left.is_integral() && (right.is_text() || right.list() != nullptr))
    return Repeat(right, left.integer());
  if (op == "%" && left.is_text() && !right.is_undefined()) {
    const bool is_tuple = right.list() != nullptr && right.list()->is_tuple;
    return FormatPercent(left.text(), is_tuple ? right.list()->items : std::vector<Value>{right});
  }
  return TypesDoNotFit(op, left, right);
}

absl::StatusOr<bool> Compare(absl::string_view op, const Value& left, const Value& right) {
  if (op == "==") return Equal(left, right);
  if (op == "!=") return !Equal(left, right);
  if (op == "in") return Contains(right, left);
  if (op == "not in") {
    ASSIGN_OR_RETURN(const bool contains, Contains(right, left));
    return !contains;
  }
  if (left.is_undefined()) return UndefinedError(left);
  if (right.is_undefined()) return UndefinedError(right);
  const bool swaps = op == ">" || op == "<=";
  ASSIGN_OR_RETURN(const bool less, swaps ? Less(right, left) : Less(left, right));
  const bool has_nan =
      (left.is_float() && std::isnan(left.number())) || (right.is_float() && std::isnan(right.number()));
  if (has_nan) return false;
  return op == "<" || op == ">" ? less : !less;
}

int64_t ComparisonWeight(const Value& left, const Value& right) {
  const auto is_container = [](const Value& value) { return value.list() != nullptr || value.dict() != nullptr; };
  if (left.is_text() && right.is_text()) return std::max(left.Weight(), right.Weight());
  if (is_container(left) && is_container(right)) return left.DeepWeight() + right.DeepWeight();
  // `in` compares with every member.
  const Value& container = is_container(left) ? left : right;
  const Value& member = is_container(left) ? right : left;
  if (container.list() == nullptr) return 1;
  return container.Weight() + static_cast<int64_t>(container.list()->items.size()) * member.Weight();
}

absl::StatusOr<Value> Item(const Value& value, const Value& key) {
  if (value.is_undefined()) return UndefinedError(value);
  if (value.dict() != nullptr) {
    const Value* found = FindKey(*value.dict(), key);
    if (found != nullptr) return *found;
  }
  if (key.is_text()) {
    if (value.name_space() != nullptr || value.loop() != nullptr) return Attribute(value, key.text());
    const std::optional<Value> method = MethodOf(value, key.text());
    return method.has_value() ? *method : Missing(value, value.dict() != nullptr ? "key" : "element", key.text());
  }
  if (!key.is_integral()) return Missing(value, "element", absl::StrCat("of type ", key.TypeName()));
  if (value.list() == nullptr && !value.is_text()) return Missing(value, "element", absl::StrCat(key.integer()));
  const std::vector<int32_t> points = value.is_text() ? CodePoints(value.text()) : std::vector<int32_t>();
  const auto size = static_cast<int64_t>(value.is_text() ? points.size() : value.list()->items.size());
  const int64_t index = key.integer() < 0 ? key.integer() + size : key.integer();
  if (index < 0 || index >= size) return Missing(value, "element", absl::StrCat(key.integer()));
  if (value.is_text()) return Value::OfText(Utf8FromCodePoints({points[index]}));
  return value.list()->items[index];
}

absl::StatusOr<Value> Attribute(const Value& value, absl::string_view name) {
  if (value.is_undefined()) return UndefinedError(value);
  if (value.loop() != nullptr) return LoopField(*value.loop(), name);
  if (value.name_space() != nullptr) {
    const auto field = value.name_space()->fields.find(name);
    return field != value.name_space()->fields.end() ? field->second : Missing(value, "attribute", name);
  }
  const std::optional<Value> method = MethodOf(value, name);
  if (method.has_value()) return *method;
  const Value* found = value.dict() != nullptr ? FindKey(*value.dict(), name) : nullptr;
  return found != nullptr ? *found : Missing(value, "attribute", name);
}

absl::StatusOr<Value> Slice(const Value& value, const Value& start, const Value& stop, const Value& step) {
  if (value.is_undefined()) return UndefinedError(value);
  if (!value.is_text() && value.list() == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("a value of type ", value.TypeName(), " cannot be sliced"));
  }
  const std::vector<int32_t> points = value.is_text() ? CodePoints(value.text()) : std::vector<int32_t>();
  const auto size = static_cast<int64_t>(value.is_text() ? points.size() : value.list()->items.size());
  ASSIGN_OR_RETURN(const Range range, SliceRange(size, start, stop, step));
  std::vector<int32_t> letters;
  std::vector<Value> items;
  for (int64_t i = range.start; range.step > 0 ? i < range.stop : i > range.stop;) {
    if (value.is_text()) {
      letters.push_back(points[i]);
    } else {
      items.push_back(value.list()->items[i]);
    }
    if (__builtin_add_overflow(i, range.step, &i)) break;
  }
  if (value.is_text()) return Value::OfText(Utf8FromCodePoints(letters));
  return Value::OfList(std::move(items), value.list()->is_tuple);
}

}  // namespace plumb::jinja
