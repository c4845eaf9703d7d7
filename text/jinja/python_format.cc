#include "text/jinja/python_format.h"

#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "text/jinja/python_text.h"
#include "text/unicode.h"

namespace plumb::jinja {
namespace {

constexpr int kMaxWidth = 1000;

// What stands between % and the letter.
struct Spec {
  bool left = false;
  bool zero = false;
  bool plus = false;
  bool blank = false;
  bool alternate = false;
  int width = 0;
  int precision = -1;
  char letter = '\0';
};

absl::StatusOr<int> ReadNumber(absl::string_view format, size_t* at) {
  int number = 0;
  while (*at < format.size() && absl::ascii_isdigit(format[*at])) {
    number = number * 10 + (format[(*at)++] - '0');
    if (number > kMaxWidth) return absl::InvalidArgumentError("a width or precision over 1000");
  }
  return number;
}

absl::StatusOr<Spec> ReadSpec(absl::string_view format, size_t* at) {
  Spec spec;
  for (; *at < format.size(); ++*at) {
    const char c = format[*at];
    if (c == '-')
      spec.left = true;
    else if (c == '0')
      spec.zero = true;
    else if (c == '+')
      spec.plus = true;
    else if (c == ' ')
      spec.blank = true;
    else if (c == '#')
      spec.alternate = true;
    else
      break;
  }
  ASSIGN_OR_RETURN(spec.width, ReadNumber(format, at));
  if (*at < format.size() && format[*at] == '.') {
    ++*at;
    ASSIGN_OR_RETURN(spec.precision, ReadNumber(format, at));
  }
  if (*at >= format.size()) return absl::InvalidArgumentError("the format ends inside of a %");
  spec.letter = format[(*at)++];
  return spec;
}

std::string Padded(const Spec& spec, const std::string& text) {
  const auto length = static_cast<int>(CodePoints(text).size());
  if (length >= spec.width) return text;
  const std::string padding(spec.width - length, ' ');
  return spec.left ? text + padding : padding + text;
}

// Numbers by the C format that Python's equals.
absl::StatusOr<std::string> FormatNumber(const Spec& spec, const Value& value) {
  if (!value.is_number()) {
    return absl::InvalidArgumentError(
        absl::StrCat("%", std::string(1, spec.letter), " of a value of type ", value.TypeName()));
  }
  const bool is_float = absl::string_view("fFeEgG").find(spec.letter) != absl::string_view::npos;
  if (!is_float && !value.is_integral() && spec.letter != 'd' && spec.letter != 'i') {
    return absl::InvalidArgumentError("an integer is required");
  }
  std::string c_format = absl::StrCat("%", spec.left ? "-" : "", spec.zero ? "0" : "", spec.plus ? "+" : "",
                                      spec.blank ? " " : "", spec.alternate ? "#" : "");
  if (spec.width > 0) absl::StrAppend(&c_format, spec.width);
  if (spec.precision >= 0) absl::StrAppend(&c_format, ".", spec.precision);
  std::string out;
  bool formatted = false;
  if (is_float) {
    c_format += spec.letter;
    formatted = absl::FormatUntyped(&out, absl::UntypedFormatSpec(c_format), {absl::FormatArg(value.number())});
  } else {
    if (value.is_float() && !(std::abs(value.number()) < 9e18)) {
      return absl::InvalidArgumentError(absl::StrCat("%", std::string(1, spec.letter), " of a number beyond 64 bits"));
    }
    const auto integer = value.is_float() ? static_cast<int64_t>(value.number()) : value.integer();
    c_format += spec.letter == 'i' ? 'd' : spec.letter;
    formatted = absl::FormatUntyped(&out, absl::UntypedFormatSpec(c_format), {absl::FormatArg(integer)});
  }
  if (!formatted) return absl::InvalidArgumentError(absl::StrCat("the format ", c_format, " is not supported"));
  return out;
}

absl::StatusOr<std::string> FormatOne(const Spec& spec, const Value& value) {
  switch (spec.letter) {
    case 's':
    case 'r': {
      std::string text;
      if (spec.letter == 'r' && value.is_text()) {
        text = ReprText(value.text());
      } else {
        ASSIGN_OR_RETURN(text, ToText(value));
      }
      if (spec.precision >= 0) {
        std::vector<int32_t> points = CodePoints(text);
        points.resize(std::min<size_t>(points.size(), spec.precision));
        text = Utf8FromCodePoints(points);
      }
      return Padded(spec, text);
    }
    case 'd':
    case 'i':
    case 'x':
    case 'X':
    case 'o':
    case 'f':
    case 'F':
    case 'e':
    case 'E':
    case 'g':
    case 'G':
      return FormatNumber(spec, value);
    default:
      return absl::InvalidArgumentError(absl::StrCat("the format %", std::string(1, spec.letter), " is not supported"));
  }
}

}  // namespace

absl::StatusOr<Value> FormatPercent(absl::string_view format, const std::vector<Value>& arguments) {
  std::string out;
  size_t used = 0;
  for (size_t i = 0; i < format.size();) {
    if (format[i] != '%') {
      out.push_back(format[i++]);
      continue;
    }
    ++i;
    ASSIGN_OR_RETURN(const Spec spec, ReadSpec(format, &i));
    if (spec.letter == '%') {
      out.push_back('%');
      continue;
    }
    if (used == arguments.size()) return absl::InvalidArgumentError("not enough arguments for the format");
    ASSIGN_OR_RETURN(const std::string text, FormatOne(spec, arguments[used++]));
    out += text;
    if (out.size() > kMaxTextBytes) return TextTooLarge();
  }
  const bool single_other = arguments.size() == 1 && arguments[0].dict() != nullptr;
  if (used < arguments.size() && !single_other) {
    return absl::InvalidArgumentError("more arguments than the format has places");
  }
  return CheckedText(std::move(out));
}

}  // namespace plumb::jinja
