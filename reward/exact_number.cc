#include "reward/exact_number.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace plumb {
namespace {

constexpr size_t kMaxCharacters = 400;
constexpr char kDecimalPattern[] = R"((?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)";

std::string WithoutLeadingZeros(std::string digits) {
  const size_t first = std::min(digits.find_first_not_of('0'), digits.size());
  digits.erase(0, first);
  return digits.empty() ? "0" : digits;
}

std::string Multiply(const std::string& left, const std::string& right) {
  std::string product(left.size() + right.size(), 0);
  for (size_t i = left.size(); i-- > 0;) {
    int carry = 0;
    for (size_t j = right.size(); j-- > 0;) {
      carry += product[i + j + 1] + (left[i] - '0') * (right[j] - '0');
      product[i + j + 1] = static_cast<char>(carry % 10);
      carry /= 10;
    }
    product[i] = static_cast<char>(product[i] + carry);
  }
  for (char& digit : product) digit = static_cast<char>(digit + '0');
  return WithoutLeadingZeros(std::move(product));
}

std::string Add(std::string left, std::string right) {
  const size_t size = std::max(left.size(), right.size()) + 1;
  left.insert(0, size - left.size(), '0');
  right.insert(0, size - right.size(), '0');
  int carry = 0;
  for (size_t i = size; i-- > 0;) {
    carry += (left[i] - '0') + (right[i] - '0');
    left[i] = static_cast<char>('0' + carry % 10);
    carry /= 10;
  }
  return WithoutLeadingZeros(std::move(left));
}

// `text` matches [+-]?kDecimalPattern.
ExactNumber ReadDecimal(std::string text) {
  ExactNumber number;
  text = absl::StrReplaceAll(text, {{",", ""}, {"+", ""}});
  if (text[0] == '-') {
    number.negative = true;
    text.erase(0, 1);
  }
  int exponent = 0;
  if (const size_t mark = text.find_first_of("eE"); mark != std::string::npos) {
    // The pattern allows at most three digits, so this always parses.
    if (!absl::SimpleAtoi(text.substr(mark + 1), &exponent)) exponent = 0;
    text.resize(mark);
  }
  const size_t point = std::min(text.find('.'), text.size());
  const std::string fraction = point < text.size() ? text.substr(point + 1) : "";
  number.has_fraction_digits = fraction.find_first_not_of('0') != std::string::npos;
  const int shift = exponent - static_cast<int>(fraction.size());
  number.numerator =
      WithoutLeadingZeros(absl::StrCat(text.substr(0, point), fraction, std::string(std::max(shift, 0), '0')));
  number.denominator = absl::StrCat("1", std::string(std::max(-shift, 0), '0'));
  return number;
}

std::optional<ExactNumber> Divide(const ExactNumber& left, const ExactNumber& right) {
  if (right.numerator == "0") return std::nullopt;
  return ExactNumber{.negative = left.negative != right.negative,
                     .numerator = Multiply(left.numerator, right.denominator),
                     .denominator = Multiply(left.denominator, right.numerator),
                     .has_fraction_digits = left.has_fraction_digits || right.has_fraction_digits};
}

// `whole` is empty or digits; a mixed number's parts have one sign.
std::optional<ExactNumber> ReadFraction(const std::string& sign, const std::string& whole, const std::string& numerator,
                                        const std::string& denominator) {
  std::optional<ExactNumber> number = Divide(ReadDecimal(numerator), ReadDecimal(denominator));
  if (!number.has_value()) return std::nullopt;
  if (!whole.empty()) {
    if (number->negative) return std::nullopt;
    number->numerator = Add(Multiply(WithoutLeadingZeros(whole), number->denominator), number->numerator);
  }
  if (sign == "-") number->negative = !number->negative;
  return number;
}

double ToDouble(const ExactNumber& number) {
  double numerator = 0;
  double denominator = 1;
  if (!absl::SimpleAtod(number.numerator, &numerator) || !absl::SimpleAtod(number.denominator, &denominator)) {
    return std::nan("");
  }
  return (number.negative ? -numerator : numerator) / denominator;
}

}  // namespace

std::optional<ExactNumber> ParseExactNumber(absl::string_view text) {
  static const RE2* const decimal = new RE2(absl::StrCat(R"(([+-]?)\s*()", kDecimalPattern, ")"));
  static const RE2* const slash =
      new RE2(absl::StrCat(R"(([+-]?)\s*(?:(\d+)\s+)?()", kDecimalPattern, R"()\s*/\s*([+-]?)", kDecimalPattern, ")"));
  static const RE2* const latex =
      new RE2(absl::StrCat(R"(([+-]?)\s*(\d*)\s*\\frac\s*(?:\{\s*([+-]?)", kDecimalPattern,
                           R"()\s*\}|(\d))\s*(?:\{\s*([+-]?)", kDecimalPattern, R"()\s*\}|(\d)))"));
  text = absl::StripAsciiWhitespace(text);
  if (text.empty() || text.size() > kMaxCharacters) return std::nullopt;
  const re2::StringPiece piece(text.data(), text.size());
  std::string sign, whole, numerator, denominator, numerator_digit, denominator_digit;
  if (RE2::FullMatch(piece, *decimal, &sign, &numerator)) return ReadDecimal(sign + numerator);
  if (RE2::FullMatch(piece, *slash, &sign, &whole, &numerator, &denominator)) {
    return ReadFraction(sign, whole, numerator, denominator);
  }
  if (RE2::FullMatch(piece, *latex, &sign, &whole, &numerator, &numerator_digit, &denominator, &denominator_digit)) {
    return ReadFraction(sign, whole, numerator + numerator_digit, denominator + denominator_digit);
  }
  return std::nullopt;
}

bool ExactlyEqual(const ExactNumber& left, const ExactNumber& right) {
  if (left.numerator == "0" || right.numerator == "0") return left.numerator == right.numerator;
  return left.negative == right.negative &&
         Multiply(left.numerator, right.denominator) == Multiply(right.numerator, left.denominator);
}

bool NearlyEqual(const ExactNumber& left, const ExactNumber& right, double relative_tolerance) {
  if (ExactlyEqual(left, right)) return true;
  if (!left.has_fraction_digits && !right.has_fraction_digits) return false;
  const double a = ToDouble(left);
  const double b = ToDouble(right);
  // The slack keeps 0.333333 within 1e-6 of 1/3, which it is but for rounding.
  return std::abs(a - b) <= relative_tolerance * (1 + 1e-6) * std::max(std::abs(a), std::abs(b));
}

}  // namespace plumb
