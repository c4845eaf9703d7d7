#include "text/jinja/python_text.h"

#include <utf8proc.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "text/unicode.h"

namespace plumb::jinja {
namespace {

bool IsStripped(int32_t point, const CodePointSet* chars) {
  return chars == nullptr ? IsPythonSpace(point) : chars->contains(point);
}

bool IsCased(int32_t point) {
  const utf8proc_category_t category = utf8proc_category(point);
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL || category == UTF8PROC_CATEGORY_LT;
}

bool IsPrintable(int32_t point) {
  const utf8proc_category_t category = utf8proc_category(point);
  return category != UTF8PROC_CATEGORY_CC && category != UTF8PROC_CATEGORY_CF && category != UTF8PROC_CATEGORY_CN &&
         category != UTF8PROC_CATEGORY_CO && category != UTF8PROC_CATEGORY_ZS && category != UTF8PROC_CATEGORY_ZL &&
         category != UTF8PROC_CATEGORY_ZP;
}

// One character of repr() that is not plain ASCII.
void AppendQuoted(int32_t point, char quote, std::string* out) {
  if (point == quote || point == '\\') {
    *out += {'\\', static_cast<char>(point)};
  } else if (point == '\n' || point == '\t' || point == '\r') {
    *out += {'\\', point == '\n' ? 'n' : point == '\t' ? 't' : 'r'};
  } else if (IsPrintable(point)) {
    AppendUtf8(point, out);
  } else {
    *out += point < 0x100     ? absl::StrFormat("\\x%02x", point)
            : point < 0x10000 ? absl::StrFormat("\\u%04x", point)
                              : absl::StrFormat("\\U%08x", point);
  }
}

// Letters whose other case has several letters. Source: Unicode's SpecialCasing.txt.
struct LongCase {
  int32_t letter;
  absl::string_view text;
};
constexpr LongCase kLongUpper[] = {{0xDF, "SS"},
                                   {0x149, "\u02BCN"},
                                   {0x1F0, "J\u030C"},
                                   {0x390, "\u0399\u0308\u0301"},
                                   {0x3B0, "\u03A5\u0308\u0301"},
                                   {0x587, "\u0535\u0552"},
                                   {0x1E96, "H\u0331"},
                                   {0x1E97, "T\u0308"},
                                   {0x1E98, "W\u030A"},
                                   {0x1E99, "Y\u030A"},
                                   {0x1E9A, "A\u02BE"},
                                   {0xFB00, "FF"},
                                   {0xFB01, "FI"},
                                   {0xFB02, "FL"},
                                   {0xFB03, "FFI"},
                                   {0xFB04, "FFL"},
                                   {0xFB05, "ST"},
                                   {0xFB06, "ST"}};

void AppendUpper(int32_t point, std::string* result) {
  const auto* found = std::find_if(std::begin(kLongUpper), std::end(kLongUpper),
                                   [&](const LongCase& entry) { return entry.letter == point; });
  if (found != std::end(kLongUpper)) {
    result->append(found->text.data(), found->text.size());
  } else {
    AppendUtf8(utf8proc_toupper(point), result);
  }
}

// A capital sigma in the end of a word has a form of its own.
bool IsFinalSigma(const std::vector<int32_t>& points, size_t i) {
  constexpr int32_t kCapitalSigma = 0x3A3;
  if (points[i] != kCapitalSigma || i == 0 || !IsCased(points[i - 1])) return false;
  return i + 1 == points.size() || !IsCased(points[i + 1]);
}

void AppendLower(const std::vector<int32_t>& points, size_t i, std::string* result) {
  constexpr int32_t kDottedI = 0x130;
  constexpr int32_t kFinalSigma = 0x3C2;
  if (points[i] == kDottedI) {
    *result += "i\u0307";
  } else {
    AppendUtf8(IsFinalSigma(points, i) ? kFinalSigma : utf8proc_tolower(points[i]), result);
  }
}

// Reads the escape behind a backslash at `*at` and moves behind it.
absl::Status AppendEscape(absl::string_view text, size_t* at, std::string* result) {
  const char c = text[*at];
  constexpr absl::string_view kFrom = "ntrabfv\\'\"";
  constexpr absl::string_view kTo = "\n\t\r\a\b\f\v\\'\"";
  const size_t simple = kFrom.find(c);
  if (simple != absl::string_view::npos) {
    result->push_back(kTo[simple]);
    ++*at;
    return absl::OkStatus();
  }
  if (c == 'N') return absl::InvalidArgumentError("the escape \\N is not supported");
  const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (digits > 0) {
    const std::string hex(text.substr(*at + 1, digits));
    char* end = nullptr;
    const unsigned long value = std::strtoul(hex.c_str(), &end, 16);
    const bool is_hex = hex.size() == digits && std::all_of(hex.begin(), hex.end(), absl::ascii_isxdigit);
    if (!is_hex || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) {
      return absl::InvalidArgumentError(absl::StrCat("bad escape \\", std::string(1, c), hex));
    }
    AppendUtf8(static_cast<int32_t>(value), result);
    *at += 1 + digits;
    return absl::OkStatus();
  }
  if (c >= '0' && c <= '7') {
    int32_t value = 0;
    for (int i = 0; i < 3 && *at < text.size() && text[*at] >= '0' && text[*at] <= '7'; ++i) {
      value = value * 8 + (text[(*at)++] - '0');
    }
    AppendUtf8(value, result);
    return absl::OkStatus();
  }
  if (c != '\n') {
    result->push_back('\\');
    result->push_back(c);
  }
  ++*at;
  return absl::OkStatus();
}

}  // namespace

CodePointSet CodePointsOf(absl::string_view text) {
  CodePointSet points;
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = ReadCodePoint(text, i);
    points.insert(point.value);
    i += point.length;
  }
  return points;
}

bool IsPythonSpace(int32_t code_point) {
  return IsWhitespace(code_point) || (code_point >= 0x1C && code_point <= 0x1F);
}

absl::string_view StripLeft(absl::string_view text, const CodePointSet* chars) {
  while (!text.empty()) {
    const CodePoint point = ReadCodePoint(text, 0);
    if (!IsStripped(point.value, chars)) break;
    text.remove_prefix(point.length);
  }
  return text;
}

absl::string_view StripRight(absl::string_view text, const CodePointSet* chars) {
  while (!text.empty()) {
    size_t begin = text.size() - 1;
    while (begin > 0 && (static_cast<uint8_t>(text[begin]) & 0xC0) == 0x80) --begin;
    if (!IsStripped(ReadCodePoint(text, begin).value, chars)) break;
    text = text.substr(0, begin);
  }
  return text;
}

size_t FindText(absl::string_view text, absl::string_view wanted, size_t from) {
  if (from > text.size()) return absl::string_view::npos;
  // string_view::find takes quadratic time on texts that are made for it.
  const void* found = ::memmem(text.data() + from, text.size() - from, wanted.data(), wanted.size());
  return found == nullptr ? absl::string_view::npos : static_cast<const char*>(found) - text.data();
}

std::vector<absl::string_view> SplitLines(absl::string_view text) {
  std::vector<absl::string_view> lines;
  size_t begin = 0;
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = ReadCodePoint(text, i);
    const size_t end = i;
    i += point.length;
    const bool ends = (point.value >= '\n' && point.value <= '\r') || (point.value >= 0x1C && point.value <= 0x1E) ||
                      point.value == 0x85 || point.value == 0x2028 || point.value == 0x2029;
    if (!ends) continue;
    if (point.value == '\r' && i < text.size() && text[i] == '\n') ++i;
    lines.push_back(text.substr(begin, end - begin));
    begin = i;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

bool IsDecimal(int32_t code_point) { return utf8proc_category(code_point) == UTF8PROC_CATEGORY_ND; }

bool IsAlphabetic(int32_t code_point) {
  const utf8proc_category_t category = utf8proc_category(code_point);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool IsAlphanumeric(int32_t code_point) { return IsAlphabetic(code_point) || IsNumeric(code_point); }

std::string ToUpper(absl::string_view text) {
  std::string result;
  for (const int32_t point : CodePoints(text)) AppendUpper(point, &result);
  return result;
}

std::string ToLower(absl::string_view text) {
  const std::vector<int32_t> points = CodePoints(text);
  std::string result;
  for (size_t i = 0; i < points.size(); ++i) AppendLower(points, i, &result);
  return result;
}

std::string ToTitle(absl::string_view text, bool every_word) {
  const std::vector<int32_t> points = CodePoints(text);
  std::string result;
  bool inside = false;
  for (size_t i = 0; i < points.size(); ++i) {
    if (every_word ? !inside : i == 0) {
      AppendUtf8(utf8proc_totitle(points[i]), &result);
    } else {
      AppendLower(points, i, &result);
    }
    inside = IsCased(points[i]);
  }
  return result;
}

absl::StatusOr<std::string> UnescapePython(absl::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      result.push_back(text[i++]);
      continue;
    }
    ++i;
    const absl::Status status = AppendEscape(text, &i, &result);
    if (!status.ok()) return status;
  }
  return result;
}

std::string ReprText(absl::string_view text) {
  const bool has_single = text.find('\'') != absl::string_view::npos;
  const char quote = has_single && text.find('"') == absl::string_view::npos ? '"' : '\'';
  const auto is_plain = [quote](char c) { return c >= ' ' && c <= '~' && c != quote && c != '\\'; };
  std::string result(1, quote);
  for (size_t i = 0; i < text.size();) {
    const size_t end = std::find_if_not(text.begin() + i, text.end(), is_plain) - text.begin();
    result.append(text.data() + i, end - i);
    if (end == text.size()) break;
    const CodePoint point = ReadCodePoint(text, end);
    AppendQuoted(point.value < 0 ? 0xFFFD : point.value, quote, &result);
    i = end + point.length;
  }
  return result + quote;
}

std::string ReprFloat(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string digits;
  for (int precision = 1; precision <= 17; ++precision) {
    digits = absl::StrFormat("%.*e", precision - 1, value);
    double back = 0;
    if (absl::SimpleAtod(digits, &back) && back == value) break;
  }
  const int exponent = std::atoi(digits.c_str() + digits.find('e') + 1);
  const auto significant = static_cast<int>(std::count_if(
      digits.begin(), digits.begin() + static_cast<std::ptrdiff_t>(digits.find('e')), absl::ascii_isdigit));
  if (exponent < -4 || exponent >= 16) {
    const std::string mantissa = digits.substr(0, digits.find('e'));
    return absl::StrFormat("%se%c%02d", mantissa, exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  return absl::StrFormat("%.*f", std::max(significant - 1 - exponent, 1), value);
}

}  // namespace plumb::jinja
