#include "tools/command_help.h"

#include <gmock/gmock.h>

#include <CLI/CLI.hpp>

namespace plumb::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(CommandHelpTest, ListsVisibleCommands) {
  const std::string help = ProgramHelp({{.name = "seen", .summary = "S."}, {.name = "hushed", .hidden = true}});
  EXPECT_THAT(help, HasSubstr("  seen                          S.\n"));
  EXPECT_THAT(help, Not(HasSubstr("hushed")));
}

TEST(CommandHelpTest, ShowsUsageOptionsAndExample) {
  CLI::App app;
  OptionSet options(app);
  std::string run;
  int64_t steps = 3;
  options.Argument("RUN", run, "Run folder.");
  options.Whole("--steps", {1}, steps, "Steps.");
  EXPECT_EQ(CommandHelp({.name = "go", .summary = "Goes.", .example = "plumb go runs/x"}, options),
            "Goes.\n\nUsage: plumb go RUN [OPTIONS]\n\nOptions:\n"
            "  RUN                           Run folder. Required.\n"
            "  --steps N                     Steps. Default: 3.\n"
            "  --help                        Print this and exit.\n"
            "\nExample:\n  plumb go runs/x\n");
}

}  // namespace
}  // namespace plumb::cli
