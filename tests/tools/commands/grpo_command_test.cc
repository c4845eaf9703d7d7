#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::SourcePath;
using plumb::testing::TestFolder;
using ::testing::HasSubstr;

TEST(GrpoCommandTest, CheckPrintsTheResolvedConfiguration) {
  const std::string rows = SourcePath("examples/arithmetic/held_out.jsonl");
  const CommandResult result =
      Plumb({"grpo", "--config", SourcePath("examples/arithmetic/grpo.yaml"), "--check", "--set",
             "model=" + TinyPolicy(), "--set", "data.file=" + rows, "--set", "eval.data.file=" + rows});
  EXPECT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_THAT(result.output, HasSubstr("  clip_high: 0.28  # "));
}

TEST(GrpoCommandFaultTest, AMissingModelIsNamed) {
  const TestFolder folder;
  const CommandResult result = Plumb({"grpo", "--config", SourcePath("examples/arithmetic/grpo.yaml"), "--set",
                                      "model=no-such-folder", "--set", "output=" + folder.File("run")});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("no-such-folder"));
}

}  // namespace
}  // namespace plumb::cli
