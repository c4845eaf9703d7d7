#include "text/jinja/lexer.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"
#include "base/status_macros.h"
#include "text/jinja/python_text.h"
#include "text/unicode.h"

namespace plumb::jinja {
namespace {

constexpr absl::string_view kLongOperators[] = {"**", "//", "==", "!=", "<=", ">="};
constexpr absl::string_view kShortOperators = "+-*/%~=<>()[]{}.,:|";

// Line ends become \n and one at the very end is dropped, as Jinja does.
std::string NormalizedSource(absl::string_view source) {
  std::string text = absl::StrReplaceAll(source, {{"\r\n", "\n"}, {"\r", "\n"}});
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

class Lexer {
 public:
  explicit Lexer(absl::string_view source) : source_(source) {}

  absl::StatusOr<std::vector<Token>> Run() {
    while (at_ < source_.size()) RETURN_IF_ERROR(TextThenTag());
    Add(TokenKind::kEnd, "");
    return std::move(tokens_);
  }

 private:
  bool StartsWith(absl::string_view prefix) const { return source_.substr(at_, prefix.size()) == prefix; }
  char Peek(size_t offset = 0) const { return at_ + offset < source_.size() ? source_[at_ + offset] : '\0'; }

  Place Here() {
    for (; counted_ < at_; ++counted_) {
      if (source_[counted_] == '\n') {
        ++place_.line;
        line_begin_ = counted_ + 1;
      }
    }
    return {place_.line, static_cast<int>(at_ - line_begin_) + 1};
  }

  void Add(TokenKind kind, std::string text) {
    Token token;
    token.kind = kind;
    token.text = std::move(text);
    token.place = Here();
    tokens_.push_back(std::move(token));
  }

  void AddText(absl::string_view text) {
    if (!text.empty()) Add(TokenKind::kText, std::string(text.data(), text.size()));
  }

  // The next "{%", "{{" or "{#", or the end.
  size_t FindTag() const {
    for (size_t i = at_; i + 1 < source_.size(); ++i) {
      if (source_[i] == '{' && (source_[i + 1] == '%' || source_[i + 1] == '{' || source_[i + 1] == '#')) return i;
    }
    return source_.size();
  }

  // What remains of the text in front of a tag. `sign` stands behind the tag's first two characters.
  absl::string_view StrippedBefore(absl::string_view text, char sign, bool is_print) const {
    if (sign == '-') return StripRight(text);
    if (sign == '+' || is_print) return text;
    const size_t newline = text.rfind('\n');
    const size_t line = newline == absl::string_view::npos ? 0 : newline + 1;
    const bool begins_line = line > 0 || line_starting_;
    return begins_line && StripRight(text.substr(line)).empty() ? text.substr(0, line) : text;
  }

  absl::Status TextThenTag() {
    const size_t tag = FindTag();
    const absl::string_view text = source_.substr(at_, tag - at_);
    if (tag == source_.size()) {
      AddText(text);
      at_ = tag;
      return absl::OkStatus();
    }
    const char kind = source_[tag + 1];
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    AddText(StrippedBefore(text, sign, kind == '{'));
    at_ = tag;
    if (kind == '#') return Comment();
    const size_t skip = sign == '-' || sign == '+' ? 3 : 2;
    if (kind == '%' && RawBegins(skip)) return Raw(skip);
    Add(kind == '{' ? TokenKind::kPrintBegin : TokenKind::kBlockBegin, "");
    at_ += skip;
    return Tag(kind == '{');
  }

  // Behind the end of a tag: "-" takes all white space, a block's or a comment's end one newline unless "+" is there.
  void SkipAfterTag(char sign, bool is_print) {
    if (sign == '-') {
      while (at_ < source_.size()) {
        const CodePoint point = ReadCodePoint(source_, at_);
        if (!IsPythonSpace(point.value)) break;
        at_ += point.length;
      }
    } else if (!is_print && sign != '+' && Peek() == '\n') {
      ++at_;
    }
    line_starting_ = at_ > 0 && source_[at_ - 1] == '\n';
  }

  absl::Status Comment() {
    const size_t end = source_.find("#}", at_ + 2);
    if (end == absl::string_view::npos) return ErrorAt(Here(), "comment without an end");
    const char sign = end > at_ + 2 ? source_[end - 1] : '\0';
    at_ = end + 2;
    SkipAfterTag(sign, /*is_print=*/false);
    return absl::OkStatus();
  }

  // Whether "name" stands alone in the tag at `position`, behind "{%" and its sign. Sets the tag's end and its sign.
  bool IsSoleName(size_t position, absl::string_view name, size_t* end, char* sign) const {
    const auto skip_space = [&] {
      while (position < source_.size() && absl::ascii_isspace(source_[position])) ++position;
    };
    skip_space();
    if (source_.substr(position, name.size()) != name) return false;
    position += name.size();
    skip_space();
    *sign = position < source_.size() ? source_[position] : '\0';
    if (*sign == '-' || *sign == '+') ++position;
    if (source_.substr(position, 2) != "%}") return false;
    *end = position + 2;
    return true;
  }

  bool RawBegins(size_t skip) {
    size_t end;
    char sign;
    return IsSoleName(at_ + skip, "raw", &end, &sign);
  }

  absl::Status Raw(size_t skip) {
    const Place place = Here();
    size_t end = 0;
    char sign = '\0';
    IsSoleName(at_ + skip, "raw", &end, &sign);
    at_ = end;
    if (sign == '-') SkipAfterTag('-', false);
    line_starting_ = source_[at_ - 1] == '\n';
    for (size_t tag = source_.find("{%", at_); tag != absl::string_view::npos; tag = source_.find("{%", tag + 2)) {
      const char before = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
      const size_t name = tag + (before == '-' || before == '+' ? 3 : 2);
      if (!IsSoleName(name, "endraw", &end, &sign)) continue;
      AddText(StrippedBefore(source_.substr(at_, tag - at_), before, false));
      at_ = end;
      SkipAfterTag(sign, /*is_print=*/false);
      return absl::OkStatus();
    }
    return ErrorAt(place, "raw without endraw");
  }

  absl::Status Tag(bool is_print) {
    const absl::string_view end = is_print ? "}}" : "%}";
    int depth = 0;
    while (at_ < source_.size()) {
      const char c = Peek();
      if (absl::ascii_isspace(c)) {
        ++at_;
        continue;
      }
      const bool signed_end = (c == '-' || (c == '+' && !is_print)) && source_.substr(at_ + 1, 2) == end;
      if (depth == 0 && (StartsWith(end) || signed_end)) {
        Add(is_print ? TokenKind::kPrintEnd : TokenKind::kBlockEnd, "");
        at_ += signed_end ? 3 : 2;
        SkipAfterTag(signed_end ? c : '\0', is_print);
        return absl::OkStatus();
      }
      RETURN_IF_ERROR(TagToken(&depth));
    }
    return ErrorAt(Here(), absl::StrCat("the template ends inside of a tag, expected ", end));
  }

  absl::Status TagToken(int* depth) {
    const char c = Peek();
    if (c == '"' || c == '\'') return String(c);
    if (absl::ascii_isdigit(c)) return Number();
    if (absl::ascii_isalpha(c) || c == '_') {
      size_t length = 1;
      while (absl::ascii_isalnum(Peek(length)) || Peek(length) == '_') ++length;
      Add(TokenKind::kName, std::string(source_.substr(at_, length)));
      at_ += length;
      return absl::OkStatus();
    }
    for (const absl::string_view op : kLongOperators) {
      if (!StartsWith(op)) continue;
      Add(TokenKind::kOperator, std::string(op));
      at_ += op.size();
      return absl::OkStatus();
    }
    if (kShortOperators.find(c) == absl::string_view::npos) {
      const int length = ReadCodePoint(source_, at_).length;
      return ErrorAt(Here(), absl::StrCat("unexpected character '", source_.substr(at_, length), "'"));
    }
    if (c == '(' || c == '[' || c == '{') ++*depth;
    if (c == ')' || c == ']' || c == '}') --*depth;
    if (*depth < 0) return ErrorAt(Here(), absl::StrCat("unexpected '", source_.substr(at_, 1), "'"));
    Add(TokenKind::kOperator, std::string(1, c));
    ++at_;
    return absl::OkStatus();
  }

  absl::Status String(char quote) {
    size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) return ErrorAt(Here(), "string without an end");
    const absl::StatusOr<std::string> text = UnescapePython(source_.substr(at_ + 1, end - at_ - 1));
    if (!text.ok()) return ErrorAt(Here(), text.status().message());
    Add(TokenKind::kString, *text);
    at_ = end + 1;
    return absl::OkStatus();
  }

  absl::Status Number() {
    size_t length = 0;
    bool is_float = false;
    const auto digits = [&] {
      while (absl::ascii_isdigit(Peek(length)) || Peek(length) == '_') ++length;
    };
    digits();
    if (Peek(length) == '.' && absl::ascii_isdigit(Peek(length + 1))) {
      is_float = true;
      ++length;
      digits();
    }
    const size_t sign = Peek(length + 1) == '-' || Peek(length + 1) == '+' ? 2 : 1;
    if ((Peek(length) == 'e' || Peek(length) == 'E') && absl::ascii_isdigit(Peek(length + sign))) {
      is_float = true;
      length += sign;
      digits();
    }
    const std::string text = absl::StrReplaceAll(source_.substr(at_, length), {{"_", ""}});
    Add(is_float ? TokenKind::kFloat : TokenKind::kInteger, text);
    const bool fits =
        is_float ? absl::SimpleAtod(text, &tokens_.back().number) : absl::SimpleAtoi(text, &tokens_.back().integer);
    if (!fits) return ErrorAt(Here(), absl::StrCat("number ", text, " is too large"));
    at_ += length;
    return absl::OkStatus();
  }

  const absl::string_view source_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  size_t counted_ = 0;  // place_ and line_begin_ hold up to here
  size_t line_begin_ = 0;
  Place place_;
  bool line_starting_ = true;  // the tag before ended with a newline
};

}  // namespace

absl::Status ErrorAt(Place place, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat("line ", place.line, ", column ", place.column, ": ", message));
}

absl::StatusOr<std::vector<Token>> Tokenize(absl::string_view source) {
  const std::string text = NormalizedSource(ReplaceInvalidUtf8(source));
  return Lexer(text).Run();
}

}  // namespace plumb::jinja
