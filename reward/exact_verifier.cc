#include "absl/strings/ascii.h"
#include "reward/verifiers.h"

namespace plumb {

RewardResult VerifyExact(absl::string_view completion, absl::string_view gold) {
  const bool same = absl::StripAsciiWhitespace(completion) == absl::StripAsciiWhitespace(gold);
  return {.outcome = RewardOutcome::kScored,
          .value = same ? 1.0 : 0.0,
          .message = same ? "equal to the answer" : "not equal to the answer"};
}

}  // namespace plumb
