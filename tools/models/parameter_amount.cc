#include "tools/models/parameter_amount.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace plumb::cli {

std::string ParameterAmount(int64_t number) {
  constexpr std::pair<double, char> kUnits[] = {{1e9, 'B'}, {1e6, 'M'}, {1e3, 'K'}};
  const double amount = static_cast<double>(number);
  for (const auto& [size, unit] : kUnits) {
    // From here on one digit behind the point rounds up to the unit.
    if (amount >= 0.99995 * size) return absl::StrFormat("%.1f %c", amount / size, unit);
  }
  return absl::StrCat(number);
}

}  // namespace plumb::cli
