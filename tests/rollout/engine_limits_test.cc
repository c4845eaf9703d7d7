#include "rollout/engine_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

TEST(EngineLimitsTest, FillsInDefaultsAndSizesTheCache) {
  ModelConfig model;
  model.max_positions = 500;
  proto::EngineConfig config;
  config.set_max_running_sequences(10);
  ASSERT_OK_AND_ASSIGN(const proto::EngineConfig resolved, ResolveEngineConfig(config, model));
  EXPECT_EQ(resolved.cache_pages(), 10 * 8 + 1);  // 500 tokens are 8 pages; and the null page
  EXPECT_EQ(resolved.max_step_tokens(), 2048);
  EXPECT_EQ(resolved.max_waiting_sequences(), 65536);
  model.max_positions = 1 << 20;
  EXPECT_EQ(ResolveEngineConfig(config, model)->cache_pages(), 10 * 16 + 1);
}

TEST(EngineLimitsTest, RefusesLimitsThatLeaveNothing) {
  proto::EngineConfig config;
  config.set_cache_pages(1);
  EXPECT_THAT(ResolveEngineConfig(config, {}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cache_pages")));
  config.set_cache_pages(-3);
  EXPECT_THAT(ResolveEngineConfig(config, {}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cache_pages")));
}

TEST(EngineLimitsTest, BoundsStopConditions) {
  EXPECT_OK(CheckSampling({.stop_strings = {"a"}}, /*has_text=*/true));
  EXPECT_THAT(CheckSampling({.stop_strings = {""}}, true),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("sampling.stop_strings")));
  EXPECT_THAT(CheckSampling({.stop_strings = {std::string(257, 'x')}}, true),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("257 bytes")));
  EXPECT_THAT(CheckSampling({.stop_strings = std::vector<std::string>(17, "x")}, true),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("17 strings")));
  EXPECT_THAT(CheckSampling({.stop_ids = std::vector<int64_t>(65, 1)}, true),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("sampling.stop_ids")));
}

}  // namespace
}  // namespace plumb
