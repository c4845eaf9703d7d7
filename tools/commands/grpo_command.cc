#include <unistd.h>

#include <climits>

#include "base/interrupt.h"
#include "base/status_macros.h"
#include "grpo/grpo_run.h"
#include "grpo/grpo_validation.h"
#include "tools/commands/commands.h"
#include "tools/commands/run_inputs.h"
#include "tools/commands/training_options.h"
#include "tools/config_pages.h"
#include "tools/report/run_ending.h"

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
  void Declare(OptionSet& options) override { DeclareTraining(options, *proto::GrpoConfig::descriptor(), training_); }

  absl::Status Run() override {
    InstallInterruptHandler();
    RETURN_IF_ERROR(CheckLaunch());
    proto::GrpoConfig config;
    const absl::StatusOr<ConfigSources> sources = LoadConfig(training_.config, training_.overrides, config);
    const bool local = config.rollout().workers().empty();
    if (training_.check) return Check(config, sources, local);
    RETURN_IF_ERROR(sources.status());
    RETURN_IF_ERROR(CheckDevice(config.compute()));
    if (local) RETURN_IF_ERROR(CheckDevice(config.rollout().compute()));
    // A resumed run has the model in its checkpoint, and may need the folder that it came from no more.
    if (!training_.resume) RETURN_IF_ERROR(JoinProblems(InputProblems(config, RowsToCheck::kFirst)));
    ASSIGN_OR_RETURN(const std::string program, OwnPath());
    const RunEnding ending(config.output());
    return ending.Finish(RunGrpo(config, *sources, training_.HowToResume(), program));
  }

 private:
  static absl::Status Check(const proto::GrpoConfig& config, const absl::StatusOr<ConfigSources>& sources, bool local) {
    std::vector<const proto::ComputeConfig*> devices = {&config.compute()};
    if (local) devices.push_back(&config.rollout().compute());
    std::vector<std::string> problems = InputProblems(config, RowsToCheck::kAll);
    const absl::Status fields = sources.ok() ? CheckGrpoConfig(config) : absl::OkStatus();
    if (!fields.ok()) problems.insert(problems.begin(), std::string(fields.message()));
    return FinishCheck(config, sources, devices, std::move(problems));
  }

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
