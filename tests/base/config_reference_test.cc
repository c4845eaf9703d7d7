#include <gmock/gmock.h>

#include "base/config.h"
#include "proto/config.pb.h"

namespace plumb {
namespace {

using ::testing::HasSubstr;

TEST(ConfigReferenceTest, ListsEveryFieldOnce) {
  const std::string page = ConfigReference({proto::SftConfig::descriptor(), proto::GrpoConfig::descriptor()});
  EXPECT_THAT(page, HasSubstr("## SftConfig\n"));
  EXPECT_THAT(page, HasSubstr("| `steps` | whole number | `100` | at least 1 | steps | Optimizer steps. |\n"));
  EXPECT_THAT(page, HasSubstr("| `model` | text | **required** |  |  | Policy folder to start from. |\n"));
  EXPECT_THAT(page, HasSubstr("| `optimizer` | [OptimizerConfig](#optimizerconfig) |"));
  EXPECT_EQ(page.find("## OptimizerConfig"), page.rfind("## OptimizerConfig"));
}

}  // namespace
}  // namespace plumb
