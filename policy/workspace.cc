#include "policy/workspace.h"

#include <ATen/ATen.h>

#include "policy/yarn.h"

namespace plumb {

Workspace::Workspace(const ModelConfig& config)
    : rope_frequencies_(InverseFrequencies(config.rope, config.qk_rope_head_dim)) {}

char* Workspace::Reserve(int64_t bytes) {
  if (!memory_.defined() || memory_.size(0) < bytes) {
    memory_ = at::Tensor();  // before the larger one is taken
    memory_ = at::empty({bytes}, at::kByte);
  }
  return static_cast<char*>(memory_.mutable_data_ptr());
}

at::Tensor Workspace::Results(int64_t rows, int64_t columns) {
  const bool fits = results_.defined() && results_.size(0) == rows && results_.size(1) == columns;
  if (!fits) results_ = at::empty({rows, columns}, at::kFloat);
  return results_;
}

}  // namespace plumb
