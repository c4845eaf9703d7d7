#include <unistd.h>

#include <climits>
#include <iostream>

#include "base/interrupt.h"
#include "base/status_macros.h"
#include "grpo/grpo_run.h"
#include "tools/commands/commands.h"
#include "tools/commands/training_options.h"
#include "tools/config_pages.h"

namespace plumb::cli {
namespace {

absl::StatusOr<std::string> OwnPath() {
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof(path));
  if (length <= 0) return absl::InternalError("/proc/self/exe: cannot be read");
  return std::string(path, static_cast<size_t>(length));
}

class Grpo : public Command {
 public:
  void Declare(OptionSet& options) override { DeclareTraining(options, training_); }

  absl::Status Run() override {
    InstallInterruptHandler();
    RETURN_IF_ERROR(CheckLaunch());
    proto::GrpoConfig config;
    ASSIGN_OR_RETURN(const ConfigSources sources, LoadConfig(training_.config, training_.overrides, config));
    RETURN_IF_ERROR(CheckDevice(config.compute()));
    if (config.rollout().workers().empty()) RETURN_IF_ERROR(CheckDevice(config.rollout().compute()));
    if (training_.check) {
      std::cout << FormatConfig(config, sources);
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const std::string program, OwnPath());
    return RunGrpo(config, sources, training_.resume, program);
  }

 private:
  TrainingOptions training_;
};

}  // namespace

CommandEntry GrpoCommand() {
  return {.name = "grpo",
          .summary = "GRPO of a policy, with rollout workers and reward plug-ins over gRPC.",
          .details = absl::StrCat("Keys of the configuration (docs/configuration.md has their ranges):\n",
                                  ConfigKeysHelp(*proto::GrpoConfig::descriptor())),
          .example = "plumb grpo --config examples/arithmetic/grpo.yaml --set model=runs/sft/checkpoints/step-100",
          .make = [] { return std::make_unique<Grpo>(); }};
}

}  // namespace plumb::cli
