#ifndef PLUMB_TOOLS_COMMAND_H_
#define PLUMB_TOOLS_COMMAND_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tools/option_set.h"

namespace plumb::cli {

// One run of a subcommand: Declare(), then the command line is read into its members, then Run().
class Command {
 public:
  virtual ~Command() = default;
  // Names the options; called once. `options` lives longer than the command's Run().
  virtual void Declare(OptionSet& options) = 0;
  // Errors: see tools/exit_code.h for the exit code of each.
  virtual absl::Status Run() = 0;
};

// What the program knows of a subcommand before it is run.
struct CommandEntry {
  std::string name;
  std::string summary;  // one line, for the list of commands
  std::string details;  // paragraphs for its own help; may be empty
  std::string example;  // commands, one a line
  std::function<std::unique_ptr<Command>()> make;
  bool hidden = false;
  std::vector<CommandEntry> subcommands;  // not empty: a group, "plumb NAME SUBCOMMAND"; it has no `make`
};

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_COMMAND_H_
