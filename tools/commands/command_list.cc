#include "tools/commands/commands.h"

namespace plumb::cli {

std::vector<CommandEntry> AllCommands() {
  return {InitCommand(),
          SftCommand(),
          GrpoCommand(),
          RolloutCommand(),
          RewardCommand(),
          GenerateCommand(),
          ScoreCommand(),
          EvalCommand(),
          TokenizeCommand(),
          CheckpointVerifyCommand(),
          CheckpointExportCommand(),
          PlanCommand(),
          ReportCommand(),
          DoctorCommand(),
          ConfigReferenceCommand(),
          GradientsCommand()};
}

}  // namespace plumb::cli
