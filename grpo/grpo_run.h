#ifndef PLUMB_GRPO_GRPO_RUN_H_
#define PLUMB_GRPO_GRPO_RUN_H_

#include <string>

#include "absl/status/status.h"
#include "base/config.h"
#include "proto/config.pb.h"
#include "train/run_start.h"

namespace plumb {

// Runs GRPO of a resolved configuration to its end, or to an interrupt (kCancelled, with the state saved). Starts local
// rollout and reward processes (`program` is the path of the plumb program) where none are given.
// Errors: as its parts; every message names the file, row or field. kInvalidArgument for a checkpoint of another
// machine, see CheckMachine().
absl::Status RunGrpo(const proto::GrpoConfig& config, const ConfigSources& sources, Resume resume,
                     const std::string& program);

}  // namespace plumb

#endif  // PLUMB_GRPO_GRPO_RUN_H_
