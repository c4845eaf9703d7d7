#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "grpo/grpo_run.h"
#include "tests/integration/grpo_setup.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::testing::Each;
using testing::GrpoSetup;
using ::testing::HasSubstr;
using ::testing::Lt;
using testing::PlumbProgram;
using testing::StatusIs;

// The whole loop, with the rollout worker and the reward service as processes of their own.
TEST(GrpoLearnsIntegrationTest, TheRewardRisesAndTrainerAndRolloutAgree) {
  const GrpoSetup setup;
  ASSERT_OK(RunGrpo(setup.Config({}), {}, Resume::kNo, PlumbProgram()));

  const std::vector<double> rewards = setup.Metric("reward/mean");
  ASSERT_EQ(rewards.size(), 20);
  EXPECT_LT(rewards.front(), 0.5);
  EXPECT_GT(rewards.back(), rewards.front() + 0.3);

  const std::vector<double> accuracy = setup.Metric("eval/accuracy");
  ASSERT_EQ(accuracy.size(), 2);
  EXPECT_GT(accuracy.back(), accuracy.front());

  EXPECT_THAT(setup.Metric("logprob_diff/max"), Each(0.0));
  EXPECT_THAT(setup.Metric("ratio/max"), Each(Lt(1.001)));
}

TEST(GrpoLearnsIntegrationTest, ARunGoesOnFromItsLastCheckpoint) {
  const GrpoSetup setup;
  ASSERT_OK(RunGrpo(setup.Config({"steps=5"}), {}, Resume::kNo, PlumbProgram()));
  EXPECT_THAT(RunGrpo(setup.Config({"steps=7", "compute.threads=7"}), {}, Resume::kOnSameMachine, PlumbProgram()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("threads, now 7 (compute.threads)")));
  ASSERT_OK(RunGrpo(setup.Config({"steps=7"}), {}, Resume::kOnSameMachine, PlumbProgram()));
  const std::vector<double> steps = setup.Metric("step");
  // Step 0 is the evaluation before training; no step is there twice.
  EXPECT_THAT(steps, ::testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_TRUE(FileExists(setup.Run() + "/checkpoints/latest/config.json"));
}

}  // namespace
}  // namespace plumb
