#ifndef PLUMB_REWARD_MATH_ANSWER_H_
#define PLUMB_REWARD_MATH_ANSWER_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "reward/exact_number.h"

// Finding and reading the final answer in the text of a solution.
namespace plumb {

struct MathAnswer {
  std::string text;       // as it stands in the solution
  bool in_prose = false;  // taken from a sentence ("the answer is ..."), so words may surround it
};

// The final answer of a completion: the last closed \boxed{}, else what follows the last ####, else the last "answer
// is", else the last number. Nothing where there is none of them.
std::optional<MathAnswer> ExtractAnswer(absl::string_view completion);

// The answer in a data row's field: \boxed{}, ####, "answer is" as above, else the whole text where it is one line.
std::optional<MathAnswer> ExtractGold(absl::string_view field);

// Without what does not change the value: $, \left, \right, \!, \, and the like, \text{} (kept where it is all there
// is), percent and degree signs, bold, a trailing period. \dfrac and \tfrac become \frac; runs of spaces one space.
std::string NormalizeAnswer(absl::string_view answer);

// The number that a normalised answer states; "x = 5" and "5 apples" state 5. With `in_prose`, the first number in it.
std::optional<ExactNumber> NumberInAnswer(absl::string_view normalized, bool in_prose);

}  // namespace plumb

#endif  // PLUMB_REWARD_MATH_ANSWER_H_
