#include "text/jinja/filters.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "base/status_macros.h"
#include "text/jinja/methods.h"
#include "text/jinja/operators.h"
#include "text/jinja/python_format.h"
#include "text/jinja/python_text.h"
#include "text/unicode.h"

namespace plumb::jinja {
namespace {

using Result = absl::StatusOr<Value>;
constexpr int64_t kMaxIndent = 64;

// Filters of text take other values too, as str() prints them.
absl::StatusOr<Value> AsText(const Value& value) {
  ASSIGN_OR_RETURN(std::string text, ToText(value));
  return Value::OfText(std::move(text));
}

// A filter that is a method of str.
template <int kMethod>
Result ByMethod(const Value& value, const Arguments& arguments) {
  constexpr const char* kMethods[] = {"upper", "lower", "capitalize", "strip"};
  ASSIGN_OR_RETURN(const Value text, AsText(value));
  return CallMethod(text, kMethods[kMethod], arguments);
}

Result Replace(const Value& value, const Arguments& arguments) {
  Arguments texts;
  texts.budget = arguments.budget;
  for (size_t i = 0; i < 2; ++i) {
    const Value* argument = arguments.Find(i, i == 0 ? "old" : "new");
    if (argument == nullptr) return absl::InvalidArgumentError("replace needs `old` and `new`");
    ASSIGN_OR_RETURN(Value text, AsText(*argument));
    texts.positional.push_back(std::move(text));
  }
  if (const Value* count = arguments.Find(2, "count"); count != nullptr && !count->is_none()) {
    texts.positional.push_back(*count);
  }
  ASSIGN_OR_RETURN(const Value text, AsText(value));
  return CallMethod(text, "replace", texts);
}

Result Length(const Value& value, const Arguments&) {
  if (value.list() != nullptr) return Value::OfInt(static_cast<int64_t>(value.list()->items.size()));
  if (value.dict() != nullptr) return Value::OfInt(static_cast<int64_t>(value.dict()->items.size()));
  if (value.is_text()) return Value::OfInt(static_cast<int64_t>(CodePoints(value.text()).size()));
  ASSIGN_OR_RETURN(const std::vector<Value> items, Iterate(value));
  return Value::OfInt(static_cast<int64_t>(items.size()));
}

Result Default(const Value& value, const Arguments& arguments) {
  const bool replaces = value.is_undefined() || (arguments.Truth(1, "boolean", false) && !value.Truth());
  if (!replaces) return value;
  const Value* fallback = arguments.Find(0, "default_value");
  return fallback != nullptr ? *fallback : Value::OfText("");
}

// (",", ":"), as json.dumps takes them.
absl::Status ReadSeparators(const Value& separators, JsonStyle* style) {
  const List* list = separators.list();
  if (list == nullptr || list->items.size() != 2 || !list->items[0].is_text() || !list->items[1].is_text()) {
    return absl::InvalidArgumentError("tojson: separators are not a pair of texts");
  }
  style->item_separator = list->items[0].text();
  style->key_separator = list->items[1].text();
  return absl::OkStatus();
}

// The arguments by place are those of the function that chat templates are rendered with, not Jinja's own.
Result ToJson(const Value& value, const Arguments& arguments) {
  RETURN_IF_ERROR(arguments.Allow(4, {"ensure_ascii", "indent", "separators", "sort_keys"}));
  JsonStyle style;
  style.ascii_only = arguments.Truth(0, "ensure_ascii", false);
  const Value* indent = arguments.Find(1, "indent");
  if (indent != nullptr && indent->is_text()) {
    style.indent = indent->text();
  } else if (indent != nullptr && !indent->is_none()) {
    ASSIGN_OR_RETURN(const int64_t spaces, arguments.Int(1, "indent", 0));
    if (spaces > kMaxIndent) return absl::InvalidArgumentError(absl::StrCat("tojson: indent is ", spaces));
    style.indent = std::string(std::max<int64_t>(spaces, 0), ' ');
  }
  if (style.indent.has_value()) style.item_separator.assign(1, ',');
  if (style.indent.has_value() && style.indent->size() > kMaxIndent) {
    return absl::InvalidArgumentError("tojson: the indent is too long");
  }
  const Value* separators = arguments.Find(2, "separators");
  if (separators != nullptr && !separators->is_none()) RETURN_IF_ERROR(ReadSeparators(*separators, &style));
  style.sort_keys = arguments.Truth(3, "sort_keys", false);
  ASSIGN_OR_RETURN(std::string text, ToJsonText(value, style));
  return CheckedText(std::move(text));
}

// Python allows one between digits.
std::string WithoutUnderscores(const std::string& text) {
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool between =
        i > 0 && i + 1 < text.size() && absl::ascii_isdigit(text[i - 1]) && absl::ascii_isdigit(text[i + 1]);
    if (text[i] != '_' || !between) digits.push_back(text[i]);
  }
  return digits;
}

Result Int(const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const int64_t fallback, arguments.Int(0, "default", 0));
  if (value.is_integral()) return Value::OfInt(value.integer());
  double number = 0;
  if (value.is_float()) {
    number = value.number();
  } else if (value.is_text()) {
    int64_t integer = 0;
    const std::string digits = WithoutUnderscores(value.text());
    if (absl::SimpleAtoi(digits, &integer)) return Value::OfInt(integer);
    if (!absl::SimpleAtod(digits, &number)) return Value::OfInt(fallback);
  } else {
    return Value::OfInt(fallback);
  }
  const bool fits = std::abs(number) < 9e18;
  return Value::OfInt(fits ? static_cast<int64_t>(number) : fallback);
}

Result Float(const Value& value, const Arguments& arguments) {
  const Value* fallback = arguments.Find(0, "default");
  if (value.is_number()) return Value::OfFloat(value.number());
  double number = 0;
  if (value.is_text() && absl::SimpleAtod(value.text(), &number)) return Value::OfFloat(number);
  return fallback != nullptr ? *fallback : Value::OfFloat(0);
}

Result Abs(const Value& value, const Arguments&) {
  if (!value.is_number()) return absl::InvalidArgumentError(absl::StrCat("abs of type ", value.TypeName()));
  return value.number() < 0 ? Unary("-", value) : Unary("+", value);
}

Result Round(const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const int64_t precision, arguments.Int(0, "precision", 0));
  ASSIGN_OR_RETURN(const std::string method, arguments.Text(1, "method", "common"));
  if (!value.is_number() || precision > 300 || precision < -300) {
    return absl::InvalidArgumentError(absl::StrCat("round of type ", value.TypeName(), ", precision ", precision));
  }
  if (method == "common" && precision >= 0 && precision < 100) {
    double rounded = 0;
    const std::string digits = absl::StrFormat("%.*f", static_cast<int>(precision), value.number());
    if (!absl::SimpleAtod(digits, &rounded)) rounded = value.number();
    return Value::OfFloat(rounded);
  }
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = value.number() * scale;
  if (method == "ceil") return Value::OfFloat(std::ceil(scaled) / scale);
  if (method == "floor") return Value::OfFloat(std::floor(scaled) / scale);
  if (method != "common") return absl::InvalidArgumentError(absl::StrCat("round: method ", method));
  return Value::OfFloat(std::nearbyint(scaled) / scale);
}

Result String(const Value& value, const Arguments&) { return AsText(value); }

Result Safe(const Value& value, const Arguments&) { return value; }

Result Escape(const Value& value, const Arguments&) {
  ASSIGN_OR_RETURN(const std::string text, ToText(value));
  return CheckedText(
      absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&#34;"}, {"'", "&#39;"}}));
}

Result Format(const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const std::string format, ToText(value));
  return FormatPercent(format, arguments.positional);
}

Result Indent(const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(std::string text, ToText(value));
  text += '\n';  // makes a last line of its own of a newline in the end
  const Value* width = arguments.Find(0, "width");
  std::string margin(4, ' ');
  if (width != nullptr && width->is_text()) {
    margin = width->text();
  } else {
    ASSIGN_OR_RETURN(const int64_t spaces, arguments.Int(0, "width", 4));
    if (spaces < 0 || spaces > kMaxIndent) return absl::InvalidArgumentError(absl::StrCat("indent: width ", spaces));
    margin.assign(spaces, ' ');
  }
  const bool first = arguments.Truth(1, "first", false);
  const bool blank = arguments.Truth(2, "blank", false);
  std::string out;
  size_t number = 0;
  for (const absl::string_view line : SplitLines(text)) {
    const bool indents = number == 0 ? first : blank || !line.empty();
    absl::StrAppend(&out, number == 0 ? "" : "\n", indents ? margin : "", line);
    if (out.size() > kMaxTextBytes) return TextTooLarge();
    ++number;
  }
  return CheckedText(std::move(out));
}

Result WordCount(const Value& value, const Arguments&) {
  ASSIGN_OR_RETURN(const std::string text, ToText(value));
  int64_t words = 0;
  bool inside = false;
  for (const int32_t point : CodePoints(text)) {
    const bool is_part = IsAlphanumeric(point) || point == '_';
    if (is_part && !inside) ++words;
    inside = is_part;
  }
  return Value::OfInt(words);
}

// Words begin behind white space, hyphens and opening brackets alone, unlike those of str.title().
Result Title(const Value& value, const Arguments&) {
  ASSIGN_OR_RETURN(const std::string text, ToText(value));
  std::string out;
  bool begins = true;
  for (const int32_t point : CodePoints(text)) {
    std::string letter;
    AppendUtf8(point, &letter);
    out += begins ? ToUpper(letter) : ToLower(letter);
    begins = IsPythonSpace(point) || point == '-' || point == '(' || point == '{' || point == '[' || point == '<';
  }
  return CheckedText(std::move(out));
}

constexpr std::pair<absl::string_view, Filter> kFilters[] = {
    {"upper", ByMethod<0>}, {"lower", ByMethod<1>},
    {"title", Title},       {"capitalize", ByMethod<2>},
    {"trim", ByMethod<3>},  {"replace", Replace},
    {"length", Length},     {"count", Length},
    {"default", Default},   {"d", Default},
    {"tojson", ToJson},     {"int", Int},
    {"float", Float},       {"abs", Abs},
    {"round", Round},       {"string", String},
    {"safe", Safe},         {"escape", Escape},
    {"e", Escape},          {"format", Format},
    {"indent", Indent},     {"wordcount", WordCount},
};

}  // namespace

Filter FindFilter(absl::string_view name) {
  for (const auto& [own, filter] : kFilters) {
    if (own == name) return filter;
  }
  return FindListFilter(name);
}

}  // namespace plumb::jinja
