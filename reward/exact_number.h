#ifndef PLUMB_REWARD_EXACT_NUMBER_H_
#define PLUMB_REWARD_EXACT_NUMBER_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace plumb {

// A rational number of any size, as it was written: not reduced.
struct ExactNumber {
  bool negative = false;
  std::string numerator;             // decimal digits, no leading zeros ("0" is zero)
  std::string denominator;           // the same, not zero
  bool has_fraction_digits = false;  // a decimal with a digit other than 0 behind its point
};

// Reads a whole text as a number: 42, -1,234.50, .5, 2.5e3, 3/4, 1 3/4, \frac{3}{4}, 1\frac34. Nothing where it is not
// one, where a denominator is zero, or where it has more than 400 characters.
std::optional<ExactNumber> ParseExactNumber(absl::string_view text);

// True where both are the same rational number.
bool ExactlyEqual(const ExactNumber& left, const ExactNumber& right);

// ExactlyEqual(), or within `relative_tolerance` of the larger where at least one is a decimal. Two integers or
// fractions have no tolerance: 1000000 is not 1000001.
bool NearlyEqual(const ExactNumber& left, const ExactNumber& right, double relative_tolerance);

}  // namespace plumb

#endif  // PLUMB_REWARD_EXACT_NUMBER_H_
