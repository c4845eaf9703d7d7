#ifndef PLUMB_REWARD_VERIFIERS_H_
#define PLUMB_REWARD_VERIFIERS_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "reward/reward_item.h"

namespace re2 {
class RE2;
}

// The built-in verifiers: pure functions from a completion to a value with a reason. They always give kScored, but
// VerifyMath, which gives kInvalid where the right answer cannot be read.
namespace plumb {

// 1 where the completion's final answer (ExtractAnswer) has the value of the right one (ExtractGold), else 0. Values
// are compared as exact rationals, decimals within `relative_tolerance`; what is no number is compared as normalised
// text without spaces.
RewardResult VerifyMath(absl::string_view completion, absl::string_view gold, double relative_tolerance);

// 1 where both texts are the same but for white space at the ends, else 0.
RewardResult VerifyExact(absl::string_view completion, absl::string_view gold);

// 1 where the pattern is found anywhere in the completion, else 0.
RewardResult VerifyRegex(absl::string_view completion, const re2::RE2& pattern);

// 1 where the pattern matches the whole completion, else 0.
RewardResult VerifyFormat(absl::string_view completion, const re2::RE2& pattern);

// 0 up to `target_tokens`, -1 from `max_tokens` (which is larger) on, a straight line between.
RewardResult VerifyLength(int64_t completion_tokens, int64_t target_tokens, int64_t max_tokens);

}  // namespace plumb

#endif  // PLUMB_REWARD_VERIFIERS_H_
