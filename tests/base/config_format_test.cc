#include <gmock/gmock.h>

#include "base/config.h"
#include "proto/config.pb.h"

namespace plumb {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ConfigFormatTest, NamesTheSourceOfEachScalar) {
  proto::RolloutConfig config;
  config.add_workers()->set_address("a");
  config.add_workers();
  config.set_local_workers(2);
  config.mutable_compute();
  EXPECT_EQ(FormatConfig(config, {{"local_workers", "--set"}, {"workers.0.address", "x.yaml:3:4"}}),
            "workers:\n"
            "  - address: a  # x.yaml:3:4\n"
            "  - {}\n"
            "local_workers: 2  # --set\n"
            "compute: {}\n");
}

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
