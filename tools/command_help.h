#ifndef PLUMB_TOOLS_COMMAND_HELP_H_
#define PLUMB_TOOLS_COMMAND_HELP_H_

#include <string>
#include <vector>

#include "tools/command.h"

namespace plumb::cli {

// `plumb --help`.
std::string ProgramHelp(const std::vector<CommandEntry>& commands);

// `plumb GROUP --help`: its subcommands.
std::string GroupHelp(const CommandEntry& group);

// `plumb COMMAND --help`.
std::string CommandHelp(const CommandEntry& command, const OptionSet& options);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_COMMAND_HELP_H_
