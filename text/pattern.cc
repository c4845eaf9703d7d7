#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/pattern.h"

#include <pcre2.h>

#include "base/status_macros.h"
#include "text/unicode.h"

namespace plumb {
namespace {

constexpr uint32_t kMatchLimit = 10'000'000;
constexpr uint32_t kDepthLimit = 100'000;
constexpr size_t kJitStackStart = 64 << 10;
constexpr size_t kJitStackEnd = 16 << 20;

// What PCRE2 10.42 takes for \s and \w differs from Unicode's properties (U+180E, marks), so they are spelled out.
constexpr absl::string_view kSpaceSet = R"(\t-\r\x{85}\p{Z})";
constexpr absl::string_view kWordSet = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
constexpr absl::string_view kHexSet = "0-9A-Fa-f";

absl::Status Refuse(absl::string_view expression, size_t offset, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("pattern ", expression, ", byte ", offset, ": ", why));
}

// Walks over an Oniguruma expression and writes the PCRE2 one.
class Translator {
 public:
  explicit Translator(absl::string_view source) : source_(source) {}

  absl::StatusOr<std::string> Run() {
    while (at_ < source_.size()) RETURN_IF_ERROR(in_class_ ? ClassStep() : Step());
    return std::move(result_);
  }

 private:
  bool StartsWith(absl::string_view prefix) const { return source_.substr(at_, prefix.size()) == prefix; }
  void Copy(size_t count) {
    const absl::string_view part = source_.substr(at_, count);
    result_.append(part.data(), part.size());
    at_ += part.size();
  }
  void Replace(absl::string_view text) {
    result_.append(text.data(), text.size());
    at_ += 2;
  }

  absl::Status Step() {
    const char c = source_[at_];
    if (c == '\\') return Escape();
    if (StartsWith("(?") && !StartsWith("(?#")) return Group();
    if (c == '[') {
      in_class_ = true;
      Copy(1);
      if (StartsWith("^")) Copy(1);
      if (StartsWith("]")) return Refuse(source_, at_, "']' directly after '[' is ambiguous");
      return absl::OkStatus();
    }
    Copy(1);
    return absl::OkStatus();
  }

  absl::Status ClassStep() {
    if (source_[at_] == '\\') return Escape();
    if (StartsWith("&&")) return Refuse(source_, at_, "intersections (&&) in a class are not supported");
    if (source_[at_] == '[' && !StartsWith("[:"))
      return Refuse(source_, at_, "classes inside classes are not supported");
    if (StartsWith("[:")) {
      const size_t end = source_.find(":]", at_);
      if (end == absl::string_view::npos) return Refuse(source_, at_, "'[:' without ':]'");
      Copy(end + 2 - at_);
      return absl::OkStatus();
    }
    if (source_[at_] == ']') in_class_ = false;
    Copy(1);
    return absl::OkStatus();
  }

  // (?m) means "dot matches newline" in Ruby and "lines" in PCRE2.
  absl::Status Group() {
    for (size_t i = at_ + 2; i < source_.size(); ++i) {
      const char c = source_[i];
      if (c == 'm') return Refuse(source_, i, "the option m is not supported");
      if (c != 'i' && c != 'x' && c != '-') break;
    }
    Copy(2);
    return absl::OkStatus();
  }

  absl::Status Escape() {
    if (at_ + 1 >= source_.size()) return Refuse(source_, at_, "ends in a backslash");
    const char c = source_[at_ + 1];
    if (absl::string_view("RXKGgkQEH").find(c) != absl::string_view::npos) {
      return Refuse(source_, at_, absl::StrCat("\\", std::string(1, c), " is not supported"));
    }
    if (c == 's') return WriteSet(kSpaceSet, false);
    if (c == 'w') return WriteSet(kWordSet, false);
    if (c == 'h') return WriteSet(kHexSet, false);
    if (c == 'S' && !in_class_) return WriteSet(kSpaceSet, true);
    if (c == 'W' && !in_class_) return WriteSet(kWordSet, true);
    Copy(2);
    return absl::OkStatus();
  }

  absl::Status WriteSet(absl::string_view members, bool negated) {
    absl::StrAppend(&result_, in_class_ ? "" : (negated ? "[^" : "["), members, in_class_ ? "" : "]");
    at_ += 2;
    return absl::OkStatus();
  }

  const absl::string_view source_;
  std::string result_;
  size_t at_ = 0;
  bool in_class_ = false;
};

std::string PcreMessage(int error) {
  PCRE2_UCHAR buffer[256];
  const int length = pcre2_get_error_message(error, buffer, sizeof(buffer));
  return length < 0 ? absl::StrCat("PCRE2 error ", error) : std::string(reinterpret_cast<const char*>(buffer), length);
}

size_t NextCharacter(absl::string_view text, size_t position) {
  return position < text.size() ? position + ReadCodePoint(text, position).length : position + 1;
}

}  // namespace

struct PatternSearch::State {
  State()
      : match(pcre2_match_data_create(1, nullptr), pcre2_match_data_free),
        context(pcre2_match_context_create(nullptr), pcre2_match_context_free),
        stack(pcre2_jit_stack_create(kJitStackStart, kJitStackEnd, nullptr), pcre2_jit_stack_free) {
    pcre2_set_match_limit(context.get(), kMatchLimit);
    pcre2_set_depth_limit(context.get(), kDepthLimit);
    if (stack != nullptr) pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
  }
  std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)> match;
  std::unique_ptr<pcre2_match_context, void (*)(pcre2_match_context*)> context;
  std::unique_ptr<pcre2_jit_stack, void (*)(pcre2_jit_stack*)> stack;
};

PatternSearch::PatternSearch() : state_(std::make_unique<State>()) {}
PatternSearch::~PatternSearch() = default;

struct Pattern::Code {
  explicit Code(pcre2_code* compiled) : pcre(compiled) {}
  ~Code() { pcre2_code_free(pcre); }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  pcre2_code* const pcre;
};

Pattern::Pattern(std::string expression, std::unique_ptr<Code> code)
    : expression_(std::move(expression)), code_(std::move(code)) {}
Pattern::~Pattern() = default;

absl::StatusOr<std::string> PcreFromOniguruma(absl::string_view expression) { return Translator(expression).Run(); }

absl::StatusOr<std::unique_ptr<Pattern>> Pattern::Compile(absl::string_view expression) {
  ASSIGN_OR_RETURN(const std::string translated, PcreFromOniguruma(expression));
  const std::unique_ptr<pcre2_compile_context, void (*)(pcre2_compile_context*)> context(
      pcre2_compile_context_create(nullptr), pcre2_compile_context_free);
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                                       PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &error, &offset, context.get());
  if (compiled == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("pattern ", expression, " (as ", translated, ", byte ", offset, "): ", PcreMessage(error)));
  }
  // Without JIT (not built in, or no executable memory) the interpreter does the same under the same limits.
  pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
  return std::unique_ptr<Pattern>(
      new Pattern(std::string(expression.data(), expression.size()), std::make_unique<Code>(compiled)));
}

absl::StatusOr<std::unique_ptr<Pattern>> Pattern::Literal(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (absl::string_view("\\^$.[]|()?*+{}-#&~ ").find(c) != absl::string_view::npos) escaped.push_back('\\');
    escaped.push_back(c);
  }
  return Compile(escaped);
}

absl::Status Pattern::FindAll(absl::string_view text, PatternSearch& search, std::vector<ByteSpan>* matches) const {
  const PatternSearch::State& state = *search.state_;
  const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(state.match.get());
  size_t start = 0;
  int64_t last_end = -1;
  while (start <= text.size()) {
    const int found = pcre2_match(code_->pcre, subject, text.size(), start, PCRE2_NO_UTF_CHECK, state.match.get(),
                                  state.context.get());
    if (found == PCRE2_ERROR_NOMATCH) return absl::OkStatus();
    if (found < 0) {
      return absl::ResourceExhaustedError(absl::StrCat("pattern ", expression_, " on a text of ", text.size(),
                                                       " bytes, from byte ", start, ": ", PcreMessage(found)));
    }
    const ByteSpan match{static_cast<int64_t>(ends[0]), static_cast<int64_t>(ends[1])};
    if (match.begin == match.end && match.end == last_end) {
      start = NextCharacter(text, start);
      continue;
    }
    matches->push_back(match);
    last_end = match.end;
    start = ends[1];
  }
  return absl::OkStatus();
}

}  // namespace plumb
