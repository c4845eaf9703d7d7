// The `plumb` program: finds the subcommand, reports every problem of its command line, runs it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "base/config_suggestion.h"
#include "base/interrupt.h"
#include "base/printable_text.h"
#include "base/status_macros.h"
#include "tools/command_help.h"
#include "tools/commands/commands.h"
#include "tools/commands/library_versions.h"
#include "tools/exit_code.h"
#include "tools/kept_memory.h"

namespace plumb::cli {
namespace {

// A subcommand with what its command line was read into. A group has neither command nor options.
struct DeclaredCommand {
  CommandEntry entry;  // one of a group: its name has the group's in front
  CLI::App* app = nullptr;
  std::unique_ptr<Command> command;
  std::unique_ptr<OptionSet> options;
};

int UsageError(const std::string& command, const std::vector<std::string>& problems) {
  const std::string name = command.empty() ? "plumb" : absl::StrCat("plumb ", command);
  for (const std::string& problem : problems) std::cerr << name << ": " << PrintableText(problem) << "\n";
  std::cerr << "Run `" << name << " --help` for the usage.\n";
  return kExitUsage;
}

DeclaredCommand Declare(CLI::App& app, CommandEntry entry) {
  DeclaredCommand declared;
  declared.app = app.add_subcommand(entry.name, entry.summary);
  if (entry.subcommands.empty()) {
    declared.command = entry.make();
    declared.options = std::make_unique<OptionSet>(*declared.app);
    declared.command->Declare(*declared.options);
  }
  declared.entry = std::move(entry);
  return declared;
}

// The members of a group stand behind it.
std::vector<DeclaredCommand> DeclareAll(CLI::App& app) {
  std::vector<DeclaredCommand> commands;
  for (CommandEntry& entry : AllCommands()) {
    commands.push_back(Declare(app, std::move(entry)));
    const CommandEntry group = commands.back().entry;
    CLI::App* const group_app = commands.back().app;
    for (const CommandEntry& member : group.subcommands) {
      commands.push_back(Declare(*group_app, member));
      commands.back().entry.name = absl::StrCat(group.name, " ", member.name);
    }
  }
  return commands;
}

const DeclaredCommand* FindParsed(const std::vector<DeclaredCommand>& commands) {
  const auto found = std::find_if(commands.rbegin(), commands.rend(),
                                  [](const DeclaredCommand& declared) { return declared.app->parsed(); });
  return found == commands.rend() ? nullptr : &*found;
}

int GroupAlone(const DeclaredCommand& group) {
  std::vector<std::string> names;
  for (const CommandEntry& member : group.entry.subcommands) names.push_back(member.name);
  const std::vector<std::string> words = group.app->remaining();
  if (words.empty()) {
    return UsageError(group.entry.name, {absl::StrCat("expected a subcommand: ", absl::StrJoin(names, ", "))});
  }
  return UsageError(group.entry.name, {absl::StrCat(words[0], ": unknown subcommand", DidYouMean(words[0], names))});
}

std::string HelpOf(const std::vector<DeclaredCommand>& commands) {
  const DeclaredCommand* declared = FindParsed(commands);
  if (declared != nullptr) {
    return declared->command == nullptr ? GroupHelp(declared->entry) : CommandHelp(declared->entry, *declared->options);
  }
  return ProgramHelp(AllCommands());
}

// What stands before the message of a failed command.
const char* ErrorKind(const absl::Status& status) {
  if (!absl::IsCancelled(status)) return "error: ";
  return absl::StartsWith(status.message(), "interrupted") ? "" : "interrupted: ";
}

int RunCommand(const DeclaredCommand& declared) {
  if (declared.command == nullptr) return GroupAlone(declared);
  const std::vector<std::string> problems = declared.options->Finish(declared.app->remaining());
  if (!problems.empty()) return UsageError(declared.entry.name, problems);
  const absl::Status status = declared.command->Run();
  if (!status.ok()) {
    std::cerr << "plumb " << declared.entry.name << ": " << ErrorKind(status) << PrintableText(status.message())
              << "\n";
  }
  return ExitCodeOf(status);
}

int UnknownCommand(const std::vector<std::string>& words) {
  std::vector<std::string> names;
  for (const CommandEntry& entry : AllCommands()) names.push_back(entry.name);
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
    std::cout << HelpOf(commands);
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
  return declared == nullptr ? UnknownCommand(app.remaining()) : RunCommand(*declared);
}

}  // namespace
}  // namespace plumb::cli

int main(int argc, char** argv) {
  // gRPC logs what its status codes already say; a user who wants that sets the variable.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  plumb::cli::KeepFreedMemory();
  plumb::ExplainLostMappings();
  // The last guard: an exception that got here is a bug, and still must not end in a stack trace.
  try {
    return plumb::cli::Main(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "plumb: internal error: " << error.what() << "\n";
    return plumb::cli::kExitFailed;
  }
}
