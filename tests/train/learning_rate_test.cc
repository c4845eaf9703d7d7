#include "train/learning_rate.h"

#include <gtest/gtest.h>

namespace plumb {
namespace {

proto::OptimizerConfig Config(const char* schedule, int warmup_steps, double floor = 0.0) {
  proto::OptimizerConfig config;
  config.set_learning_rate(2.0);
  config.set_schedule(schedule);
  config.set_warmup_steps(warmup_steps);
  config.set_min_learning_rate_ratio(floor);
  return config;
}

TEST(LearningRateTest, WarmUpRisesToThePeakInItsLastStep) {
  const proto::OptimizerConfig config = Config("constant", 4);
  EXPECT_DOUBLE_EQ(LearningRateAt(0, 100, config), 0.5);
  EXPECT_DOUBLE_EQ(LearningRateAt(1, 100, config), 1.0);
  EXPECT_DOUBLE_EQ(LearningRateAt(3, 100, config), 2.0);
  EXPECT_DOUBLE_EQ(LearningRateAt(99, 100, config), 2.0);
}

TEST(LearningRateTest, LinearFallsToItsFloorAtTheEnd) {
  const proto::OptimizerConfig config = Config("linear", 10, 0.1);
  EXPECT_DOUBLE_EQ(LearningRateAt(10, 110, config), 2.0);
  EXPECT_DOUBLE_EQ(LearningRateAt(60, 110, config), 2.0 * 0.55);
  EXPECT_DOUBLE_EQ(LearningRateAt(110, 110, config), 0.2);
}

TEST(LearningRateTest, CosineIsHalfWayInTheMiddle) {
  const proto::OptimizerConfig config = Config("cosine", 10);
  EXPECT_DOUBLE_EQ(LearningRateAt(10, 100, config), 2.0);
  EXPECT_DOUBLE_EQ(LearningRateAt(55, 100, config), 1.0);
  EXPECT_NEAR(LearningRateAt(100, 100, config), 0.0, 1e-15);
}

TEST(LearningRateTest, ARunShorterThanItsWarmUpNeverDecays) {
  EXPECT_DOUBLE_EQ(LearningRateAt(5, 6, Config("cosine", 10)), 1.2);
  EXPECT_DOUBLE_EQ(LearningRateAt(10, 10, Config("cosine", 10)), 2.0);
}

}  // namespace
}  // namespace plumb
