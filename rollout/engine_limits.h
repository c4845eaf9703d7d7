#ifndef PLUMB_ROLLOUT_ENGINE_LIMITS_H_
#define PLUMB_ROLLOUT_ENGINE_LIMITS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/model_config.h"
#include "proto/config.pb.h"
#include "rollout/generation.h"

namespace plumb {

// The limits with every value filled in: fields that are not set get their defaults, and cache_pages 0 becomes what
// max_running_sequences sequences of the model's context, at most 1024 tokens each, need.
// Errors: kInvalidArgument naming the field.
absl::StatusOr<proto::EngineConfig> ResolveEngineConfig(const proto::EngineConfig& config, const ModelConfig& model);

// Checks what does not depend on an engine's size. `has_text` says whether there is a tokenizer to look for stop
// strings. Errors: kInvalidArgument with the field's path.
absl::Status CheckSampling(const SamplingOptions& sampling, bool has_text);

}  // namespace plumb

#endif  // PLUMB_ROLLOUT_ENGINE_LIMITS_H_
