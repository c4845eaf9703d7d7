#ifndef PLUMB_TOOLS_COMMANDS_TRAINING_OPTIONS_H_
#define PLUMB_TOOLS_COMMANDS_TRAINING_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/config.h"
#include "proto/config.pb.h"
#include "tools/option_set.h"
#include "train/run_start.h"

// What `sft` and `grpo` share.
namespace plumb::cli {

struct TrainingOptions {
  std::string config;
  std::vector<std::string> overrides;
  bool resume = false;
  bool allow_other_machine = false;
  bool check = false;

  Resume HowToResume() const;
};

// --config, --set, --resume, --allow-other-machine, --check. An option that is a key of `schema` gets a hint how to set
// it.
void DeclareTraining(OptionSet& options, const google::protobuf::Descriptor& schema, TrainingOptions& training);

// Refuses a launch with several trainer processes, and devices and instruction sets that this machine does not have.
// Errors: kInvalidArgument; the environment's error for a device or an instruction set.
absl::Status CheckLaunch();
absl::Status CheckDevice(const proto::ComputeConfig& compute);

// What --check says: prints the resolved configuration where it could be read, and returns every problem, those of
// reading it (`sources`) and `others`. A device that this machine lacks is a note on stderr: the run may be made
// elsewhere.
// Errors: kInvalidArgument, one line per problem.
absl::Status FinishCheck(const google::protobuf::Message& config, const absl::StatusOr<ConfigSources>& sources,
                         const std::vector<const proto::ComputeConfig*>& devices, std::vector<std::string> others);

// Errors: kInvalidArgument with one line per problem, where there is one.
absl::Status JoinProblems(const std::vector<std::string>& problems);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_COMMANDS_TRAINING_OPTIONS_H_
