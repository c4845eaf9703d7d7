#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using ::testing::HasSubstr;

TEST(KernelsBenchTest, WrongOptionsAreRefusedBeforeAnythingIsMeasured) {
  const CommandResult result = Plumb({"bench", "kernels", "--isa", "sse9", "--rounds", "0"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("--isa"));
  EXPECT_THAT(result.errors, HasSubstr("--rounds: 0 is less than 1"));
}

TEST(KernelsBenchTest, HelpSaysWhatToLookAt) {
  EXPECT_THAT(Plumb({"bench", "kernels", "--help"}).output, HasSubstr("share_of_read_bandwidth"));
}

}  // namespace
}  // namespace plumb::cli
