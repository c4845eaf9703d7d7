#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/pattern.h"

#include <pcre2.h>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "text/pattern_syntax.h"
#include "text/unicode.h"

namespace plumb {
namespace {

// The limits hold for one place of the text where a match may begin, so the time of a whole search has its own.
constexpr uint32_t kMatchLimit = 2'000'000;
constexpr uint32_t kDepthLimit = 100'000;
constexpr size_t kPlacesPerCheck = 512;
constexpr int kSearchesPerCheck = 64;
constexpr absl::Duration kBaseTime = absl::Seconds(10);
constexpr absl::Duration kTimePerByte = absl::Microseconds(2);
constexpr size_t kJitStackStart = 64 << 10;
constexpr size_t kJitStackEnd = 16 << 20;

std::string PcreMessage(int error) {
  PCRE2_UCHAR buffer[256];
  const int length = pcre2_get_error_message(error, buffer, sizeof(buffer));
  return length < 0 ? absl::StrCat("PCRE2 error ", error) : std::string(reinterpret_cast<const char*>(buffer), length);
}

// Where the character that the byte at `position` belongs to begins.
size_t CharacterBegin(absl::string_view text, size_t position) {
  while (position > 0 && (static_cast<uint8_t>(text[position]) & 0xC0) == 0x80) --position;
  return position;
}

size_t NextCharacter(absl::string_view text, size_t position) {
  return position < text.size() ? position + ReadCodePoint(text, position).length : position + 1;
}

}  // namespace

struct PatternSearch::State {
  // Errors: kResourceExhausted when the searches so far took too long for what they searched.
  absl::Status CheckTime() const {
    const absl::Duration allowed = kBaseTime + kTimePerByte * bytes;
    if (absl::Now() - began <= allowed) return absl::OkStatus();
    return absl::ResourceExhaustedError(absl::StrCat("searching ", bytes, " bytes for patterns took more than ",
                                                     absl::FormatDuration(allowed), ", the limit"));
  }

  State()
      : match(pcre2_match_data_create(1, nullptr), pcre2_match_data_free),
        context(pcre2_match_context_create(nullptr), pcre2_match_context_free),
        stack(pcre2_jit_stack_create(kJitStackStart, kJitStackEnd, nullptr), pcre2_jit_stack_free) {
    pcre2_set_match_limit(context.get(), kMatchLimit);
    pcre2_set_depth_limit(context.get(), kDepthLimit);
    if (stack != nullptr) pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
  }
  const absl::Time began = absl::Now();
  int64_t bytes = 0;
  int searches = 0;
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

absl::StatusOr<std::unique_ptr<Pattern>> Pattern::Compile(absl::string_view expression) {
  ASSIGN_OR_RETURN(const std::string translated, PcreFromOniguruma(expression));
  const std::unique_ptr<pcre2_compile_context, void (*)(pcre2_compile_context*)> context(
      pcre2_compile_context_create(nullptr), pcre2_compile_context_free);
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* compiled =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_USE_OFFSET_LIMIT, &error, &offset, context.get());
  if (compiled == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("pattern ", expression, " (as ", translated, ", byte ", offset, "): ", PcreMessage(error)));
  }
  // Without JIT (not built in, or no executable memory) the interpreter does the same under the same limits.
  pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);
  return std::unique_ptr<Pattern>(
      new Pattern(std::string(expression.data(), expression.size()), std::make_unique<Code>(compiled)));
}

absl::StatusOr<std::unique_ptr<Pattern>> Pattern::FromJson(const Json& component, absl::string_view what) {
  const auto found = component.find("pattern");
  if (found == component.end() || !found->is_object() || found->size() != 1 || !found->begin()->is_string()) {
    return absl::InvalidArgumentError(absl::StrCat(what, R"(: `pattern` is not {"Regex": text} or {"String": text})"));
  }
  const std::string kind = found->begin().key();
  const auto text = found->begin()->get<std::string>();
  if (kind == "Regex") return Compile(text);
  if (kind == "String") return Literal(text);
  return absl::InvalidArgumentError(absl::StrCat(what, ": pattern kind ", kind, " is not supported"));
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
  PatternSearch::State& state = *search.state_;
  state.bytes += static_cast<int64_t>(text.size());
  const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(state.match.get());
  size_t start = 0;
  int64_t last_end = -1;
  while (start <= text.size()) {
    if (++state.searches % kSearchesPerCheck == 0) RETURN_IF_ERROR(state.CheckTime());
    const size_t window_end = start + kPlacesPerCheck;  // the last place where a match may begin
    pcre2_set_offset_limit(state.context.get(), window_end);
    const int found = pcre2_match(code_->pcre, subject, text.size(), start, PCRE2_NO_UTF_CHECK, state.match.get(),
                                  state.context.get());
    if (found == PCRE2_ERROR_NOMATCH) {
      if (window_end >= text.size()) return absl::OkStatus();
      RETURN_IF_ERROR(state.CheckTime());
      start = NextCharacter(text, CharacterBegin(text, window_end));
      continue;
    }
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
