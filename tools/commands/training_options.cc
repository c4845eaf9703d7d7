#include "tools/commands/training_options.h"

#include <cstdlib>
#include <iostream>

#include "absl/strings/str_replace.h"
#include "base/config_suggestion.h"
#include "base/status_macros.h"
#include "dist/launch_environment.h"
#include "policy/kernels/cpu/select_isa.h"
#include "policy/policy_folder.h"
#include "tools/exit_code.h"

namespace plumb::cli {
namespace {

std::optional<std::string> GetEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

absl::Status FindDevice(const proto::ComputeConfig& compute) {
  RETURN_IF_ERROR(ParseDevice(compute.device()).status());
  return cpu::ChooseIsa(compute.isa(), cpu::SupportedIsas()).status();
}

}  // namespace

void DeclareTraining(OptionSet& options, const google::protobuf::Descriptor& schema, TrainingOptions& training) {
  options.Required("--config", "FILE", training.config, "YAML file; its keys are below.");
  options.List("--set", "KEY=VALUE", training.overrides, "Override a key of the configuration.");
  options.Flag("--resume", training.resume, "Go on from the newest checkpoint of the run folder.");
  options.Flag(
      "--allow-other-machine", training.allow_other_machine,
      "With --resume: go on although the instruction set, the number of threads or LibTorch's version is not that "
      "of the checkpoint; the numbers then differ in their last bits from those of a run that was not ended.");
  options.Flag("--check", training.check,
               "Check the configuration and the files that it names, print it with all defaults, and exit.");
  options.OnUnknown([&schema](const std::string& name, const std::string& value) -> std::string {
    const std::string key = FindKeyPath(absl::StrReplaceAll(name, {{"-", "_"}}), schema);
    return key.empty() ? "" : absl::StrCat("; did you mean --set ", key, "=", value.empty() ? "..." : value, "?");
  });
}

Resume TrainingOptions::HowToResume() const {
  if (!resume) return Resume::kNo;
  return allow_other_machine ? Resume::kOnAnyMachine : Resume::kOnSameMachine;
}

absl::Status CheckLaunch() {
  ASSIGN_OR_RETURN(const LaunchEnvironment launch, ReadLaunchEnvironment(GetEnvironment));
  if (launch.world_size == 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(launch.source, " launched ", launch.world_size,
                   " processes, but several trainer processes are not supported yet; launch one"));
}

absl::Status CheckDevice(const proto::ComputeConfig& compute) {
  const absl::Status status = FindDevice(compute);
  return absl::IsFailedPrecondition(status) ? EnvironmentError(status) : status;
}

absl::Status JoinProblems(const std::vector<std::string>& problems) {
  return problems.empty() ? absl::OkStatus() : absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
}

absl::Status FinishCheck(const google::protobuf::Message& config, const absl::StatusOr<ConfigSources>& sources,
                         const std::vector<const proto::ComputeConfig*>& devices, std::vector<std::string> others) {
  if (sources.ok()) {
    std::cout << FormatConfig(config, *sources) << std::flush;
  } else {
    others.insert(others.begin(), std::string(sources.status().message()));
  }
  for (const proto::ComputeConfig* compute : devices) {
    if (!compute->has_device()) continue;
    const absl::Status status = FindDevice(*compute);
    if (absl::IsFailedPrecondition(status)) {
      std::cerr << "note: " << status.message() << "; the run needs a machine that does\n";
    } else if (!status.ok()) {
      others.emplace_back(status.message());
    }
  }
  return JoinProblems(others);
}

}  // namespace plumb::cli
