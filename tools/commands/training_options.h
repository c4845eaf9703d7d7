#ifndef PLUMB_TOOLS_COMMANDS_TRAINING_OPTIONS_H_
#define PLUMB_TOOLS_COMMANDS_TRAINING_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/config.pb.h"
#include "tools/option_set.h"

// What `sft` and `grpo` share.
namespace plumb::cli {

struct TrainingOptions {
  std::string config;
  std::vector<std::string> overrides;
  bool resume = false;
  bool check = false;
};

// --config, --set, --resume, --check.
void DeclareTraining(OptionSet& options, TrainingOptions& training);

// Refuses a launch with several trainer processes, and devices that this machine does not have.
// Errors: kInvalidArgument; the environment's error for a device.
absl::Status CheckLaunch();
absl::Status CheckDevice(const proto::ComputeConfig& compute);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_COMMANDS_TRAINING_OPTIONS_H_
