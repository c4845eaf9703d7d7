#include "tools/config_pages.h"

#include <gmock/gmock.h>

#include "proto/config.pb.h"
#include "tests/testing/test_files.h"

namespace plumb::cli {
namespace {

using ::testing::HasSubstr;

TEST(ConfigPagesTest, TheCommittedReferenceIsWhatTheSchemaGives) {
  EXPECT_EQ(plumb::testing::MustRead(plumb::testing::SourcePath("docs/configuration.md")), ConfigurationPage())
      << "run: build/plumb config-reference > docs/configuration.md";
}

TEST(ConfigPagesTest, HelpListsNestedKeys) {
  const std::string help = ConfigKeysHelp(*proto::GrpoConfig::descriptor());
  EXPECT_THAT(help, HasSubstr("  optimizer.learning_rate       Peak learning rate of AdamW. Default: 1e-5.\n"));
  EXPECT_THAT(help, HasSubstr("  rollout.workers[].address     "));
  EXPECT_THAT(help, HasSubstr("Required where rollout.workers is"));
  EXPECT_THAT(help, HasSubstr("Required.\n"));
  EXPECT_THAT(help,
              HasSubstr("  model                         Policy folder to start from, usually an SFT checkpoint."));
}

}  // namespace
}  // namespace plumb::cli
