#include "tools/command_help.h"

#include "absl/strings/str_split.h"

namespace plumb::cli {

std::string ProgramHelp(const std::vector<CommandEntry>& commands) {
  std::string help =
      "Plumb aligns language models: supervised fine-tuning, then GRPO.\n\n"
      "Usage: plumb COMMAND [OPTIONS]\n\nCommands:\n";
  for (const CommandEntry& command : commands) {
    if (!command.hidden) absl::StrAppend(&help, HelpEntry(command.name, command.summary));
  }
  absl::StrAppend(&help, "\nOptions:\n", HelpEntry("--help", "Print this and exit."),
                  HelpEntry("--version", "Print the program's version and those of its libraries, and exit."));
  absl::StrAppend(
      &help,
      "\nplumb COMMAND --help shows a command's options and an example.\n"
      "Exit codes: 0 success, 1 the run failed, 2 usage or configuration, 3 environment (no GPU, port taken,\n"
      "disk full), 130 interrupted with the state saved.\n");
  return help;
}

std::string GroupHelp(const CommandEntry& group) {
  std::string help =
      absl::StrCat(group.summary, "\n\nUsage: plumb ", group.name, " SUBCOMMAND [OPTIONS]\n\nSubcommands:\n");
  for (const CommandEntry& command : group.subcommands) {
    absl::StrAppend(&help, HelpEntry(command.name, command.summary));
  }
  if (!group.details.empty()) absl::StrAppend(&help, "\n", group.details, "\n");
  return absl::StrCat(help, "\nplumb ", group.name, " SUBCOMMAND --help shows its options and an example.\n");
}

std::string CommandHelp(const CommandEntry& command, const OptionSet& options) {
  std::string help = absl::StrCat(command.summary, "\n\nUsage: plumb ", command.name, options.ArgumentNames(),
                                  " [OPTIONS]\n\nOptions:\n", options.Help());
  if (!command.details.empty()) absl::StrAppend(&help, "\n", command.details, "\n");
  absl::StrAppend(&help, "\nExample:\n");
  for (const absl::string_view line : absl::StrSplit(command.example, '\n')) absl::StrAppend(&help, "  ", line, "\n");
  return help;
}

}  // namespace plumb::cli
