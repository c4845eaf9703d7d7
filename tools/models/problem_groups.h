#ifndef PLUMB_TOOLS_MODELS_PROBLEM_GROUPS_H_
#define PLUMB_TOOLS_MODELS_PROBLEM_GROUPS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"

namespace plumb::cli {

// Problems that say the same of tensors whose names differ in numbers alone, those of layers and experts.
struct ProblemGroup {
  std::string first;      // the first of them, as it is
  std::string last_name;  // of the last of them
  int64_t count = 0;

  // "model.layers.1.mlp.gate.weight: is missing (and 4 more like it, the last model.layers.5.mlp.gate.weight)".
  std::string Text() const;
};

// In the order of their first problems. A problem is a name, ": " and what is wrong with it.
std::vector<ProblemGroup> GroupProblems(absl::Span<const std::string> problems);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_MODELS_PROBLEM_GROUPS_H_
