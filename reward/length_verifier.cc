#include <algorithm>

#include "absl/strings/str_cat.h"
#include "reward/verifiers.h"

namespace plumb {

RewardResult VerifyLength(int64_t completion_tokens, int64_t target_tokens, int64_t max_tokens) {
  const double over = static_cast<double>(completion_tokens - target_tokens);
  const double share = std::clamp(over / static_cast<double>(max_tokens - target_tokens), 0.0, 1.0);
  return {.outcome = RewardOutcome::kScored,
          .value = share == 0 ? 0.0 : -share,
          .message = absl::StrCat(completion_tokens, " tokens")};
}

}  // namespace plumb
