#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(CheckpointGroupFaultTest, AWordWithoutACommandNamesTheCommands) {
  const CommandResult alone = Plumb({"checkpoint"});
  EXPECT_EQ(alone.exit_code, 2);
  EXPECT_THAT(alone.errors, HasSubstr("expected a subcommand: verify, export"));
  EXPECT_EQ(Plumb({"checkpoint", "verfy", "x"}).exit_code, 2);
  const CommandResult help = Plumb({"checkpoint", "--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.output, AllOf(HasSubstr("\n  verify"), HasSubstr("\n  export")));
}

}  // namespace
}  // namespace plumb::cli
