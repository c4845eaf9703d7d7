#include "reward/math_answer.h"

#include <re2/re2.h>

#include <cctype>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace plumb {
namespace {

re2::StringPiece Piece(absl::string_view text) { return re2::StringPiece(text.data(), text.size()); }

// The content of the last "\boxed{...}" whose braces close. A regular expression cannot match nested braces.
// One pass, since a completion may be a page of marks.
std::optional<std::string> LastBoxed(absl::string_view text) {
  constexpr absl::string_view kMark = "\\boxed";
  std::vector<size_t> open;  // positions of braces that have not closed
  size_t last_mark = 0;
  std::optional<std::string> last;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') open.push_back(i);
    if (text[i] != '}' || open.empty()) continue;
    const size_t brace = open.back();
    open.pop_back();
    if (brace < last_mark || !absl::EndsWith(text.substr(0, brace), kMark)) continue;
    last_mark = brace;
    last = std::string(text.substr(brace + 1, i - brace - 1));
  }
  return last;
}

std::string RestOfLine(absl::string_view text) {
  return std::string(absl::StripAsciiWhitespace(text.substr(0, text.find('\n'))));
}

std::optional<std::string> AfterHashes(absl::string_view text) {
  const size_t mark = text.rfind("####");
  if (mark == absl::string_view::npos) return std::nullopt;
  return RestOfLine(absl::StripLeadingAsciiWhitespace(text.substr(mark + 4)));
}

// What follows the last "answer is", to the end of the sentence or line.
std::optional<std::string> AfterAnswerIs(absl::string_view text) {
  constexpr absl::string_view kMark = "answer is";
  const size_t mark = absl::AsciiStrToLower(text).rfind(kMark.data());
  if (mark == std::string::npos) return std::nullopt;
  absl::string_view rest = absl::StripLeadingAsciiWhitespace(text.substr(mark + kMark.size()));
  if (absl::ConsumePrefix(&rest, ":")) rest = absl::StripLeadingAsciiWhitespace(rest);
  std::string sentence = RestOfLine(rest);
  for (size_t i = 0; i + 1 < sentence.size(); ++i) {
    if (sentence[i] == '.' && sentence[i + 1] == ' ') sentence.resize(i);
  }
  if (sentence.empty()) return std::nullopt;
  return sentence;
}

// All numbers in a text, in order: decimals, fractions, mixed numbers.
std::vector<std::string> NumbersIn(absl::string_view text) {
  static const RE2* const number = new RE2(R"((-?(?:(?:\d+\s?)?\\[dt]?frac\{-?[\d.]+\}\{-?[\d.]+\}|\d+ \d+/\d+|)"
                                           R"((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:\s?/\s?\d+)?|\.\d+)))");
  std::vector<std::string> numbers;
  re2::StringPiece rest = Piece(text);
  re2::StringPiece found;
  while (RE2::FindAndConsume(&rest, *number, &found)) {
    const size_t offset = found.data() - text.data();
    const char before = offset == 0 ? ' ' : text[offset - 1];
    // In "10-3" the dash subtracts; it is a sign only where no operand stands before it.
    if (found[0] == '-' && (std::isalnum(static_cast<unsigned char>(before)) || before == ')' || before == '}')) {
      found.remove_prefix(1);
    }
    numbers.emplace_back(found.data(), found.size());
  }
  return numbers;
}

void Replace(std::string& text, const char* pattern, const char* replacement) {
  RE2::GlobalReplace(&text, RE2(pattern), replacement);
}

}  // namespace

std::optional<MathAnswer> ExtractAnswer(absl::string_view completion) {
  if (auto boxed = LastBoxed(completion)) return MathAnswer{*std::move(boxed)};
  if (auto marked = AfterHashes(completion)) return MathAnswer{*std::move(marked)};
  if (auto stated = AfterAnswerIs(completion)) return MathAnswer{*std::move(stated), /*in_prose=*/true};
  std::vector<std::string> numbers = NumbersIn(completion);
  if (numbers.empty()) return std::nullopt;
  return MathAnswer{std::move(numbers.back())};
}

std::optional<MathAnswer> ExtractGold(absl::string_view field) {
  if (auto boxed = LastBoxed(field)) return MathAnswer{*std::move(boxed)};
  if (auto marked = AfterHashes(field)) return MathAnswer{*std::move(marked)};
  if (auto stated = AfterAnswerIs(field)) return MathAnswer{*std::move(stated), /*in_prose=*/true};
  const absl::string_view whole = absl::StripAsciiWhitespace(field);
  if (whole.empty() || absl::StrContains(whole, "\n")) return std::nullopt;
  return MathAnswer{std::string(whole)};
}

std::string NormalizeAnswer(absl::string_view answer) {
  static const std::vector<std::pair<const char*, const char*>>* const rewrites =
      new std::vector<std::pair<const char*, const char*>>{
          {R"(\\[dt]frac)", R"(\\frac)"},
          {R"(\\(?:left|right)\b)", ""},
          {R"(\\[!,;:])", ""},
          {R"(\\ |~)", " "},
          {R"(\{,\})", ","},
          {R"(\\[()\[\]])", ""},
          {R"(\\?\$|\\?%|\*\*)", ""},
          {R"(\^\{?\\circ\}?|\\degree|°)", ""},
          {"−", "-"},
          {R"(\\(?:textbf|mathbf|boldsymbol)\s*\{([^{}]*)\})", R"(\1)"},
      };
  std::string text(answer);
  for (const auto& [pattern, replacement] : *rewrites) Replace(text, pattern, replacement);
  // \text{} usually holds a unit; where nothing else is there, it is the answer.
  std::string without_units = text;
  Replace(without_units, R"(\\(?:text|mathrm|mbox)\s*\{[^{}]*\}(?:\^\{?\d\}?)?)", "");
  Replace(text, R"(\\(?:text|mathrm|mbox)\s*\{([^{}]*)\})", R"(\1)");
  if (!absl::StripAsciiWhitespace(without_units).empty()) text = std::move(without_units);
  Replace(text, R"(\s+)", " ");
  Replace(text, R"([ .,;]+$)", "");
  Replace(text, R"(^ ?\{([^{}]*)\}$)", R"(\1)");
  return std::string(absl::StripAsciiWhitespace(text));
}

std::optional<ExactNumber> NumberInAnswer(absl::string_view normalized, bool in_prose) {
  static const RE2* const variable = new RE2(R"(^[A-Za-z]\w?\s*=\s*)");
  static const RE2* const unit = new RE2(R"(^([^A-Za-z\\]*\d[^A-Za-z\\]*) ([A-Za-z]{2,})[A-Za-z ]*$)");
  std::string text(normalized);
  RE2::Replace(&text, *variable, "");
  std::string amount, word;
  // "2 pi" is not 2.
  if (RE2::FullMatch(text, *unit, &amount, &word) && word != "pi") text = amount;
  if (auto number = ParseExactNumber(text)) return number;
  if (!in_prose) return std::nullopt;
  const std::vector<std::string> numbers = NumbersIn(normalized);
  return numbers.empty() ? std::nullopt : ParseExactNumber(numbers.front());
}

}  // namespace plumb
