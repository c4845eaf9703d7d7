#include <gmock/gmock.h>

#include "base/config.h"
#include "proto/config.pb.h"

namespace plumb {
namespace {

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

}  // namespace
}  // namespace plumb
