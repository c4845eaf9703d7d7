#ifndef PLUMB_TOOLS_MODELS_LOGIT_COMPARISON_H_
#define PLUMB_TOOLS_MODELS_LOGIT_COMPARISON_H_

#include <string>

#include "absl/status/statusor.h"

namespace plumb::cli {

struct LogitDifference {
  double largest = 0.0;    // of any logit
  double deviation = 0.0;  // standard deviation of the first model's logits: what `largest` is to be seen against
  double same_top = 1.0;   // share of positions where both models prefer the same token
};

// Loads two policy folders one after the other in float32 and compares their logits on the same short sequence.
// Errors: those of LoadPolicyFolder; kDataLoss for logits that are not finite.
absl::StatusOr<LogitDifference> CompareLogits(const std::string& before, const std::string& after);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_MODELS_LOGIT_COMPARISON_H_
