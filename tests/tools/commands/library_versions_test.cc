#include <gmock/gmock.h>

#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using ::testing::ContainsRegex;

TEST(LibraryVersionsTest, VersionNamesTheProgramAndItsLibraries) {
  const plumb::testing::CommandResult result = Plumb({"--version"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.output, ContainsRegex("^plumb [0-9.]+ \\([0-9a-z-]+\\)\nLibTorch [0-9.]+\ngRPC [0-9.]+\n"
                                           "Protobuf [0-9.]+\n"));
}

}  // namespace
}  // namespace plumb::cli
