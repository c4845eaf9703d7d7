#ifndef PLUMB_GRPO_GRPO_VALIDATION_H_
#define PLUMB_GRPO_GRPO_VALIDATION_H_

#include "absl/status/status.h"
#include "proto/config.pb.h"

namespace plumb {

// Checks what the schema alone cannot: fields that must fit each other. `config` is resolved.
// Errors: kInvalidArgument with one line per problem, each starting with the field.
absl::Status CheckGrpoConfig(const proto::GrpoConfig& config);

}  // namespace plumb

#endif  // PLUMB_GRPO_GRPO_VALIDATION_H_
