#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::MustRead;
using plumb::testing::TestFolder;
using ::testing::HasSubstr;

TEST(ReportCommandTest, PrintsThePathOfThePage) {
  const TestFolder folder;
  WriteTemporary(folder, "metrics.jsonl", "{\"step\":0,\"loss\":2.5}\n{\"step\":1,\"loss\":2.0}\n");
  const CommandResult result = Plumb({"report", folder.path()});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  EXPECT_EQ(result.output, folder.File("report.html") + "\n");
  EXPECT_THAT(MustRead(folder.File("report.html")), HasSubstr("<html"));
}

TEST(ReportCommandFaultTest, AMissingRunIsNamed) {
  const CommandResult result = Plumb({"report", "no-such-run"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.errors, HasSubstr("no-such-run"));
}

}  // namespace
}  // namespace plumb::cli
