#include <re2/re2.h>

#include "reward/verifiers.h"

namespace plumb {

namespace {

// In RE2 `.` stops at a line's end, which surprises whoever writes a pattern for a whole completion.
const char* NoMatch(absl::string_view completion, const re2::RE2& pattern) {
  const bool many_lines = completion.find('\n') != absl::string_view::npos;
  const bool dot_stops =
      pattern.pattern().find('.') != std::string::npos && pattern.pattern().find("(?s") == std::string::npos;
  return many_lines && dot_stops
             ? "the whole completion does not match; it has several lines, and . matches a new line only behind (?s)"
             : "the whole completion does not match";
}

}  // namespace

RewardResult VerifyRegex(absl::string_view completion, const re2::RE2& pattern) {
  const bool found = re2::RE2::PartialMatch(re2::StringPiece(completion.data(), completion.size()), pattern);
  return {.outcome = RewardOutcome::kScored,
          .value = found ? 1.0 : 0.0,
          .message = found ? "pattern found" : "pattern not found"};
}

RewardResult VerifyFormat(absl::string_view completion, const re2::RE2& pattern) {
  const bool matches = re2::RE2::FullMatch(re2::StringPiece(completion.data(), completion.size()), pattern);
  return {.outcome = RewardOutcome::kScored,
          .value = matches ? 1.0 : 0.0,
          .message = matches ? "the whole completion matches" : NoMatch(completion, pattern)};
}

}  // namespace plumb
