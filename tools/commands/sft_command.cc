#include "base/interrupt.h"
#include "base/status_macros.h"
#include "sft/sft_trainer.h"
#include "tools/commands/commands.h"
#include "tools/commands/run_inputs.h"
#include "tools/commands/training_options.h"
#include "tools/config_pages.h"
#include "tools/report/run_ending.h"

namespace plumb::cli {
namespace {

class Sft : public Command {
 public:
  void Declare(OptionSet& options) override { DeclareTraining(options, *proto::SftConfig::descriptor(), training_); }

  absl::Status Run() override {
    InstallInterruptHandler();
    RETURN_IF_ERROR(CheckLaunch());
    proto::SftConfig config;
    const absl::StatusOr<ConfigSources> sources = LoadConfig(training_.config, training_.overrides, config);
    if (training_.check) {
      return FinishCheck(config, sources, {&config.compute()}, InputProblems(config, RowsToCheck::kAll));
    }
    RETURN_IF_ERROR(sources.status());
    RETURN_IF_ERROR(CheckDevice(config.compute()));
    // A resumed run has the model in its checkpoint, and needs the folder that it came from no more.
    if (!training_.resume) RETURN_IF_ERROR(JoinProblems(InputProblems(config, RowsToCheck::kFirst)));
    const RunEnding ending(config.output());
    return ending.Finish(RunSft(config, *sources, training_.HowToResume()));
  }

 private:
  TrainingOptions training_;
};

}  // namespace

CommandEntry SftCommand() {
  return {.name = "sft",
          .summary = "Supervised fine-tuning of a policy.",
          .details = absl::StrCat("Keys of the configuration (docs/configuration.md has their ranges):\n",
                                  ConfigKeysHelp(*proto::SftConfig::descriptor())),
          .example = "plumb sft --config examples/arithmetic/sft.yaml --set steps=100 --set output=runs/sft",
          .make = [] { return std::make_unique<Sft>(); }};
}

}  // namespace plumb::cli
