#include "tools/commands/training_options.h"

#include <cstdlib>

#include "base/status_macros.h"
#include "dist/launch_environment.h"
#include "policy/policy_folder.h"
#include "tools/exit_code.h"

namespace plumb::cli {
namespace {

std::optional<std::string> GetEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

}  // namespace

void DeclareTraining(OptionSet& options, TrainingOptions& training) {
  options.Required("--config", "FILE", training.config, "YAML file; its keys are below.");
  options.List("--set", "KEY=VALUE", training.overrides, "Override a key of the configuration.");
  options.Flag("--resume", training.resume, "Go on from the newest checkpoint of the run folder.");
  options.Flag("--check", training.check, "Check the configuration, print it with all defaults, and exit.");
}

absl::Status CheckLaunch() {
  ASSIGN_OR_RETURN(const LaunchEnvironment launch, ReadLaunchEnvironment(GetEnvironment));
  if (launch.world_size == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(launch.source, " launched ", launch.world_size,
                   " processes, but several trainer processes are not supported yet; launch one"));
}

absl::Status CheckDevice(const proto::ComputeConfig& compute) {
  const absl::Status status = ParseDevice(compute.device()).status();
  return absl::IsFailedPrecondition(status) ? EnvironmentError(status) : status;
}

}  // namespace plumb::cli
