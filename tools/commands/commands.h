#ifndef PLUMB_TOOLS_COMMANDS_COMMANDS_H_
#define PLUMB_TOOLS_COMMANDS_COMMANDS_H_

#include <vector>

#include "tools/command.h"

// The subcommands; each is in the source file of its name, here or in tools/models/. docs/guide.md and `plumb COMMAND
// --help` say what they do.
namespace plumb::cli {

CommandEntry InitCommand();
CommandEntry SftCommand();
CommandEntry GrpoCommand();
CommandEntry RolloutCommand();
CommandEntry RewardCommand();
CommandEntry GenerateCommand();
CommandEntry ScoreCommand();
CommandEntry EvalCommand();
CommandEntry TokenizeCommand();
CommandEntry CheckpointCommand();  // the group of the next two
CommandEntry CheckpointVerifyCommand();
CommandEntry CheckpointExportCommand();
CommandEntry PlanCommand();
CommandEntry ReportCommand();
CommandEntry DoctorCommand();
CommandEntry ConfigReferenceCommand();  // hidden: writes docs/configuration.md
CommandEntry GradientsCommand();        // hidden: for comparisons with other implementations

// All of them, in the order of the help.
std::vector<CommandEntry> AllCommands();

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_COMMANDS_COMMANDS_H_
