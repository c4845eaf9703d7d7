#include "base/config_difference.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/config.pb.h"

namespace plumb {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ConfigDifferencesTest, NamesEveryValueThatDiffers) {
  proto::GrpoConfig before;
  before.set_group_size(8);
  before.mutable_optimizer()->set_learning_rate(0.5);
  proto::GrpoConfig after = before;
  EXPECT_THAT(ConfigDifferences(before, after), IsEmpty());
  after.set_group_size(4);
  after.mutable_optimizer()->set_learning_rate(0.25);
  after.set_steps(3);
  EXPECT_THAT(ConfigDifferences(before, after), ElementsAre("added: steps: 3", "modified: group_size: 8 -> 4",
                                                            "modified: optimizer.learning_rate: 0.5 -> 0.25"));
}

}  // namespace
}  // namespace plumb
