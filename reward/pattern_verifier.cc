#include <re2/re2.h>

#include "reward/verifiers.h"

namespace plumb {

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
          .message = matches ? "format matches" : "format does not match"};
}

}  // namespace plumb
