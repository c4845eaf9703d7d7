#include "tests/tools/commands/tiny_policy.h"
#include "tools/config_pages.h"

namespace plumb::cli {
namespace {

TEST(ConfigReferenceCommandTest, PrintsThePage) {
  const plumb::testing::CommandResult result = Plumb({"config-reference"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output, ConfigurationPage());
}

}  // namespace
}  // namespace plumb::cli
