#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "reward/exact_number.h"
#include "reward/math_answer.h"
#include "reward/verifiers.h"

namespace plumb {
namespace {

// Answers are shown in the sample log; a policy may put a whole page into \boxed{}.
std::string Shown(absl::string_view text) {
  constexpr size_t kMaxShown = 80;
  if (text.size() <= kMaxShown) return absl::StrCat("'", text, "'");
  return absl::StrCat("'", text.substr(0, kMaxShown), "...'");
}

bool SameAnswer(const MathAnswer& gold, const MathAnswer& answer, double relative_tolerance) {
  const std::string gold_text = NormalizeAnswer(gold.text);
  const std::string answer_text = NormalizeAnswer(answer.text);
  if (const auto gold_number = NumberInAnswer(gold_text, gold.in_prose)) {
    // A number is equal to numbers alone: as text without spaces "5 5" would be 55.
    const auto answer_number = NumberInAnswer(answer_text, answer.in_prose);
    return answer_number.has_value() && NearlyEqual(*gold_number, *answer_number, relative_tolerance);
  }
  return absl::StrReplaceAll(gold_text, {{" ", ""}}) == absl::StrReplaceAll(answer_text, {{" ", ""}});
}

}  // namespace

RewardResult VerifyMath(absl::string_view completion, absl::string_view gold, double relative_tolerance) {
  const std::optional<MathAnswer> right = ExtractGold(gold);
  if (!right.has_value() || NormalizeAnswer(right->text).empty()) {
    return {.outcome = RewardOutcome::kInvalid,
            .message = absl::StrCat("no answer in the row's ", Shown(gold), ", expected \\boxed{}, #### or one line")};
  }
  const std::optional<MathAnswer> answer = ExtractAnswer(completion);
  if (!answer.has_value()) return {.outcome = RewardOutcome::kScored, .value = 0, .message = "no answer found"};
  const bool same = SameAnswer(*right, *answer, relative_tolerance);
  return {.outcome = RewardOutcome::kScored,
          .value = same ? 1.0 : 0.0,
          .message = absl::StrCat("answer ", Shown(answer->text), ", expected ", Shown(right->text))};
}

}  // namespace plumb
