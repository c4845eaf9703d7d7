#include "text/pattern_syntax.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "text/unicode_additions.h"

namespace plumb {
namespace {

// What PCRE2 takes for \s, \w and \b differs from Oniguruma (U+180E, marks), so they are spelled out.
constexpr absl::string_view kSpaceSet =
    R"(\t-\r\x{20}\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";
constexpr absl::string_view kNotSpaceSet =
    R"(\x{0}-\x{8}\x{E}-\x{1F}\x{21}-\x{84}\x{86}-\x{9F}\x{A1}-\x{167F}\x{1681}-\x{1FFF}\x{200B}-\x{2027})"
    R"(\x{202A}-\x{202E}\x{2030}-\x{205E}\x{2060}-\x{2FFF}\x{3001}-\x{10FFFF})";
constexpr absl::string_view kWordSet = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
// Of the numbers that are no digits, Oniguruma's \w has those of Latin-1.
constexpr absl::string_view kWordNumbers = R"(\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE})";
constexpr absl::string_view kAddedHan = R"(\x{2B739}\x{2EBF0}-\x{2EE5D}\x{31350}-\x{323AF})";  // of Unicode 15
constexpr absl::string_view kHexSet = "0-9A-Fa-f";

// Lower-case letters that a single character may stand for where case is ignored ("ﬃ" for "ffi"): Oniguruma matches
// it then, PCRE2 does not.
constexpr absl::string_view kLigatures[] = {"ff", "fi", "fl", "ss", "st"};

std::string WordSet() {
  return absl::StrCat(kWordSet, kWordNumbers, AddedClassMembers("L"), AddedClassMembers("M"), AddedClassMembers("Nd"));
}

// Walks over an Oniguruma expression and writes the PCRE2 one.
class Translator {
 public:
  explicit Translator(absl::string_view source) : source_(source) {}

  absl::StatusOr<std::string> Run() {
    while (at_ < source_.size()) RETURN_IF_ERROR(in_class_ ? ClassStep() : Step());
    if (in_class_) return Refuse("a class without its end");
    return std::move(result_);
  }

 private:
  absl::Status Refuse(absl::string_view why) const {
    return absl::InvalidArgumentError(absl::StrCat("pattern ", source_, ", byte ", at_, ": ", why));
  }
  bool StartsWith(absl::string_view prefix) const { return source_.substr(at_, prefix.size()) == prefix; }
  char Peek(size_t offset) const { return at_ + offset < source_.size() ? source_[at_ + offset] : '\0'; }
  void Copy(size_t count) {
    const absl::string_view part = source_.substr(at_, count);
    result_.append(part.data(), part.size());
    at_ += part.size();
  }
  // Writes `text` for the next `count` bytes.
  absl::Status Replace(size_t count, absl::string_view text) {
    result_.append(text.data(), text.size());
    at_ += count;
    return absl::OkStatus();
  }

  absl::Status Step() {
    switch (source_[at_]) {
      case '\\':
        return Escape();
      case '(':
        return Group();
      case ')':
        if (group_depth_ > 0) --group_depth_;
        if (group_depth_ < ignore_case_depth_) ignore_case_depth_ = 0;
        break;
      case '[':
        return OpenClass();
      case '{':
        return Interval();
      default:
        RETURN_IF_ERROR(CheckCase());
    }
    Copy(1);
    return absl::OkStatus();
  }

  // Where case is ignored: a letter that is matched alike by both libraries.
  absl::Status CheckCase() const {
    if (ignore_case_depth_ == 0) return absl::OkStatus();
    if (static_cast<uint8_t>(source_[at_]) >= 0x80) return Refuse("a letter outside of ASCII where case is ignored");
    const std::string next = absl::AsciiStrToLower(source_.substr(at_, 2));
    if (std::find(std::begin(kLigatures), std::end(kLigatures), next) == std::end(kLigatures)) return absl::OkStatus();
    return Refuse(absl::StrCat("\"", next, "\" where case is ignored is not supported"));
  }

  absl::Status OpenClass() {
    in_class_ = true;
    Copy(1);
    if (StartsWith("^")) Copy(1);
    if (StartsWith("]")) return Refuse("']' directly after '[' is ambiguous");
    return absl::OkStatus();
  }

  absl::Status ClassStep() {
    if (source_[at_] == '\\') return Escape();
    if (StartsWith("&&")) return Refuse("intersections (&&) in a class are not supported");
    if (StartsWith("[:")) return Refuse("classes by name ([:name:]) are not supported");
    if (source_[at_] == '[') return Refuse("classes inside classes are not supported");
    if (source_[at_] == ']') in_class_ = false;
    Copy(1);
    return absl::OkStatus();
  }

  // {n,m} as Ruby reads it: {,m} begins at 0, and what follows it is a quantifier of its own, not part of it.
  absl::Status Interval() {
    size_t end = at_ + 1;
    bool has_digit = false;
    int commas = 0;
    for (; end < source_.size() && (absl::ascii_isdigit(source_[end]) || source_[end] == ','); ++end) {
      has_digit = has_digit || source_[end] != ',';
      commas += source_[end] == ',';
    }
    const bool is_interval = has_digit && commas <= 1 && end < source_.size() && source_[end] == '}';
    if (!is_interval) return Replace(1, "\\{");
    const char behind = end + 1 < source_.size() ? source_[end + 1] : '\0';
    if (behind == '+' || (behind == '?' && commas == 0)) {
      return Refuse("a quantifier directly behind {...} is not supported");
    }
    if (source_[at_ + 1] == ',') RETURN_IF_ERROR(Replace(1, "{0"));
    Copy(end + 1 - at_);
    return absl::OkStatus();
  }

  absl::Status Group() {
    if (Peek(1) == '*') return Refuse("(* is not supported");
    if (StartsWith("(?#")) {
      const size_t end = source_.find(')', at_);
      return end == absl::string_view::npos ? Refuse("a comment without its end") : Replace(end + 1 - at_, "");
    }
    ++group_depth_;
    if (Peek(1) != '?') {
      Copy(1);
      return absl::OkStatus();
    }
    for (const char* known : {"(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!"}) {
      if (!StartsWith(known)) continue;
      Copy(absl::string_view(known).size());
      return absl::OkStatus();
    }
    const bool whole = StartsWith("(?i)") && at_ == 0;
    if (!StartsWith("(?i:") && !whole) {
      return Refuse(absl::StrCat("the group ", source_.substr(at_, 4), " is not supported"));
    }
    if (ignore_case_depth_ == 0) ignore_case_depth_ = whole ? -1 : group_depth_;
    if (whole) --group_depth_;
    Copy(4);
    return absl::OkStatus();
  }

  absl::Status Escape() {
    const char c = Peek(1);
    if (at_ + 1 >= source_.size()) return Refuse("ends in a backslash");
    if (c == 's') return WriteSet(kSpaceSet);
    if (c == 'S') return in_class_ ? WriteSet(kNotSpaceSet) : Replace(2, absl::StrCat("[^", kSpaceSet, "]"));
    if (c == 'w') return WriteSet(WordSet());
    if (c == 'd') return WriteSet(absl::StrCat("\\p{Nd}", AddedClassMembers("Nd")));
    if (c == 'h') return WriteSet(kHexSet);
    if (c == 'v') return Replace(2, "\\x{B}");
    if (c == 'p' || c == 'P') return Property();
    if (c == 'u') return CodePoint(2, 4);
    if (c == 'x') return Peek(2) == '{' ? CodePoint(3, 8) : CodePoint(2, 2);
    if (c == 'W' && !in_class_) return Replace(2, absl::StrCat("[^", WordSet(), "]"));
    if ((c == 'b' || c == 'B') && !in_class_) return WordBorder(c == 'b');
    const bool is_known = absl::string_view(in_class_ ? "nrtfae" : "nrtfaeAzZ").find(c) != absl::string_view::npos;
    if (absl::ascii_isalnum(c) && !is_known) return Refuse(absl::StrCat("\\", std::string(1, c), " is not supported"));
    if (static_cast<uint8_t>(c) >= 0x80) return Refuse("a backslash in front of a character outside of ASCII");
    Copy(2);
    return absl::OkStatus();
  }

  absl::Status WriteSet(absl::string_view members) {
    return in_class_ ? Replace(2, members) : Replace(2, absl::StrCat("[", members, "]"));
  }

  absl::Status WordBorder(bool wanted) {
    const std::string word = absl::StrCat("[", WordSet(), "]");
    return Replace(2, wanted ? absl::StrCat("(?:(?<=", word, ")(?!", word, ")|(?<!", word, ")(?=", word, "))")
                             : absl::StrCat("(?:(?<=", word, ")(?=", word, ")|(?<!", word, ")(?!", word, "))"));
  }

  // \xHH, \x{H...} and \uHHHH, whose digits begin `skip` bytes on. Oniguruma's \xHH is a byte, not a code point.
  absl::Status CodePoint(size_t skip, size_t max_digits) {
    size_t digits = 0;
    while (digits < max_digits && absl::ascii_isxdigit(Peek(skip + digits))) ++digits;
    const bool braces = Peek(2) == '{';
    const bool complete = braces ? digits > 0 && Peek(skip + digits) == '}' : digits == max_digits;
    if (!complete || (max_digits == 2 && Peek(2) >= '8')) return Refuse("a code point that is not supported");
    const absl::string_view hex = source_.substr(at_ + skip, digits);
    return Replace(skip + digits + (braces ? 1 : 0), absl::StrCat("\\x{", hex, "}"));
  }

  // A general category, with what Unicode has added to it; a script alone, without PCRE2's extensions.
  absl::Status Property() {
    const size_t end = source_.find('}', at_);
    if (Peek(2) != '{' || end == absl::string_view::npos) return Refuse("\\p without {name}");
    absl::string_view name = source_.substr(at_ + 3, end - at_ - 3);
    const bool caret = !name.empty() && name[0] == '^';
    if (caret) name.remove_prefix(1);
    const bool negated = caret != (Peek(1) == 'P');
    std::string members;
    if (IsCategory(name)) {
      members = absl::StrCat("\\p{", name, "}", AddedClassMembers(name));
    } else if (IsScript(name)) {
      members = absl::StrCat("\\p{sc:", name, "}", name == "Han" ? kAddedHan : "");
    } else {
      return Refuse(absl::StrCat("the property ", name, " is not supported"));
    }
    if (!in_class_) return Replace(end + 1 - at_, absl::StrCat(negated ? "[^" : "[", members, "]"));
    if (negated) return Refuse("a negated property inside of a class is not supported");
    return Replace(end + 1 - at_, members);
  }

  static bool IsCategory(absl::string_view name) {
    constexpr absl::string_view kNames[] = {"L",  "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Mn",        "Mc",
                                            "Me", "N",  "Nd", "Nl", "No", "P",  "Pc", "Pd",        "Ps",
                                            "Pe", "Pi", "Pf", "Po", "S",  "Sm", "Sc", "Sk",        "So",
                                            "Z",  "Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Alphabetic"};
    return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
  }

  // Those that have got no character since Unicode 14 but for Han.
  static bool IsScript(absl::string_view name) {
    constexpr absl::string_view kNames[] = {"Latin",    "Greek",  "Han",  "Hiragana",
                                            "Katakana", "Hangul", "Thai", "Hebrew"};
    return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
  }

  const absl::string_view source_;
  std::string result_;
  size_t at_ = 0;
  bool in_class_ = false;
  int group_depth_ = 0;
  int ignore_case_depth_ = 0;  // of the group that ignores case, -1: everywhere, 0: none
};

}  // namespace

absl::StatusOr<std::string> PcreFromOniguruma(absl::string_view expression) { return Translator(expression).Run(); }

}  // namespace plumb
