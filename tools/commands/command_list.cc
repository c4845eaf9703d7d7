#include "tools/bench/benchmarks.h"
#include "tools/commands/commands.h"

namespace plumb::cli {

std::vector<CommandEntry> AllCommands() {
  return {InitCommand(),     SftCommand(),    GrpoCommand(),   RolloutCommand(),  RewardCommand(),
          GenerateCommand(), ScoreCommand(),  EvalCommand(),   TokenizeCommand(), CheckpointCommand(),
          PlanCommand(),     ReportCommand(), DoctorCommand(), BenchCommand(),    ConfigReferenceCommand(),
          GradientsCommand()};
}

}  // namespace plumb::cli
