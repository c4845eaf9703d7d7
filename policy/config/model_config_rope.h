#ifndef PLUMB_POLICY_MODEL_CONFIG_ROPE_H_
#define PLUMB_POLICY_MODEL_CONFIG_ROPE_H_

#include "absl/status/statusor.h"
#include "policy/model_config.h"

namespace plumb {

// Reads how config.json rotates positions: `rope_theta` and `rope_scaling` as on the hub, `rope_parameters` as
// transformers 5 writes them, or both where they say the same.
// Errors: kInvalidArgument naming the field: a type, a key or a value that is not supported, one that makes no sense,
// two that contradict each other, and scales that transformers and DeepSeek's code read differently.
absl::StatusOr<RopeConfig> ReadRope(const Json& config);

}  // namespace plumb

#endif  // PLUMB_POLICY_MODEL_CONFIG_ROPE_H_
