// The `plumb` program: finds the subcommand, reports every problem of its command line, runs it.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>
#include <map>

#include "absl/strings/str_join.h"
#include "base/config_suggestion.h"
#include "base/status_macros.h"
#include "tools/command_help.h"
#include "tools/commands/commands.h"
#include "tools/commands/library_versions.h"
#include "tools/exit_code.h"

namespace plumb::cli {
namespace {

// A subcommand with what its command line was read into.
struct DeclaredCommand {
  CommandEntry entry;
  CLI::App* app = nullptr;
  std::unique_ptr<Command> command;
  std::unique_ptr<OptionSet> options;
};

int UsageError(const std::string& command, const std::vector<std::string>& problems) {
  const std::string name = command.empty() ? "plumb" : absl::StrCat("plumb ", command);
  for (const std::string& problem : problems) std::cerr << name << ": " << problem << "\n";
  std::cerr << "Run `" << name << " --help` for the usage.\n";
  return kExitUsage;
}

// The place of a command: "checkpoint verify" is the command "verify" under the word "checkpoint".
CLI::App* AddCommand(CLI::App& app, std::map<std::string, CLI::App*>& groups, const CommandEntry& entry) {
  const size_t space = entry.name.find(' ');
  if (space == std::string::npos) return app.add_subcommand(entry.name, entry.summary);
  CLI::App*& group = groups[entry.name.substr(0, space)];
  if (group == nullptr) group = app.add_subcommand(entry.name.substr(0, space));
  return group->add_subcommand(entry.name.substr(space + 1), entry.summary);
}

std::vector<DeclaredCommand> DeclareAll(CLI::App& app) {
  std::map<std::string, CLI::App*> groups;
  std::vector<DeclaredCommand> commands;
  for (CommandEntry& entry : AllCommands()) {
    DeclaredCommand declared;
    declared.app = AddCommand(app, groups, entry);
    declared.command = entry.make();
    declared.options = std::make_unique<OptionSet>(*declared.app);
    declared.command->Declare(*declared.options);
    declared.entry = std::move(entry);
    commands.push_back(std::move(declared));
  }
  return commands;
}

const DeclaredCommand* FindParsed(const std::vector<DeclaredCommand>& commands) {
  for (const DeclaredCommand& declared : commands) {
    if (declared.app->parsed()) return &declared;
  }
  return nullptr;
}

int RunCommand(const DeclaredCommand& declared) {
  const std::vector<std::string> problems = declared.options->Finish(declared.app->remaining());
  if (!problems.empty()) return UsageError(declared.entry.name, problems);
  const absl::Status status = declared.command->Run();
  if (!status.ok()) {
    std::cerr << "plumb " << declared.entry.name << ": " << (absl::IsCancelled(status) ? "interrupted: " : "error: ")
              << status.message() << "\n";
  }
  return ExitCodeOf(status);
}

// The commands under a word ("checkpoint") that was given without one of them; empty for any other command line.
std::vector<CommandEntry> GroupOf(CLI::App& app, const std::vector<DeclaredCommand>& commands) {
  std::vector<CommandEntry> entries;
  for (const DeclaredCommand& declared : commands) {
    if (declared.app->get_parent() != &app && declared.app->get_parent()->parsed()) entries.push_back(declared.entry);
  }
  return entries;
}

int UnknownCommand(const std::vector<DeclaredCommand>& commands, const std::vector<CommandEntry>& group,
                   const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (const CommandEntry& entry : group) names.push_back(entry.name);
  if (!group.empty()) return UsageError("", {absl::StrCat("expected one of: ", absl::StrJoin(names, ", "))});
  for (const DeclaredCommand& declared : commands) names.push_back(declared.entry.name);
  if (words.empty()) return UsageError("", {"expected a command"});
  return UsageError("", {absl::StrCat(words[0], ": unknown command", DidYouMean(words[0], names))});
}

int Main(int argc, char** argv) {
  CLI::App app;
  // Options that nobody knows are kept, so that they are reported together with wrong values.
  app.allow_extras();
  bool show_version = false;
  app.add_flag("--version", show_version);
  const std::vector<DeclaredCommand> commands = DeclareAll(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const DeclaredCommand* declared = FindParsed(commands);
    std::vector<CommandEntry> entries = GroupOf(app, commands);
    if (entries.empty()) {
      for (const DeclaredCommand& each : commands) entries.push_back(each.entry);
    }
    std::cout << (declared == nullptr ? ProgramHelp(entries) : CommandHelp(declared->entry, *declared->options));
    return kExitSuccess;
  } catch (const CLI::ParseError& error) {
    const DeclaredCommand* declared = FindParsed(commands);
    return UsageError(declared == nullptr ? "" : declared->entry.name, {error.what()});
  }
  if (show_version) {
    std::cout << VersionText();
    return kExitSuccess;
  }
  const DeclaredCommand* declared = FindParsed(commands);
  return declared == nullptr ? UnknownCommand(commands, GroupOf(app, commands), app.remaining())
                             : RunCommand(*declared);
}

}  // namespace
}  // namespace plumb::cli

int main(int argc, char** argv) {
  // gRPC logs what its status codes already say; a user who wants that sets the variable.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  // The last guard: an exception that got here is a bug, and still must not end in a stack trace.
  try {
    return plumb::cli::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "plumb: internal error: " << error.what() << "\n";
    return plumb::cli::kExitFailed;
  }
}
