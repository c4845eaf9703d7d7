#include "grpo/grpo_validation.h"

#include <gmock/gmock.h>

#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

proto::GrpoConfig GoodConfig() {
  proto::GrpoConfig config;
  config.set_group_size(8);
  config.set_prompts_per_step(4);
  config.mutable_algorithm()->set_optimizer_steps(1);
  config.mutable_sampling()->set_top_p(1.0);
  config.mutable_compute()->set_dtype("float32");
  config.mutable_rollout()->mutable_compute()->set_dtype("float32");
  config.mutable_reward()->add_verifiers()->set_name("math");
  return config;
}

TEST(GrpoValidationTest, TakesAGoodConfiguration) { EXPECT_THAT(CheckGrpoConfig(GoodConfig()), IsOk()); }

TEST(GrpoValidationTest, RefusesWhatTheLossCannotUse) {
  proto::GrpoConfig config = GoodConfig();
  config.mutable_sampling()->set_top_p(0.9);
  config.mutable_sampling()->set_top_k(20);
  EXPECT_THAT(CheckGrpoConfig(config),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("sampling.top_p: is 0.9, expected 1"), HasSubstr("sampling.top_k: is 20"))));
}

TEST(GrpoValidationTest, RefusesGroupsOfOne) {
  proto::GrpoConfig config = GoodConfig();
  config.set_group_size(1);
  EXPECT_THAT(CheckGrpoConfig(config), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("group_size: is 1")));
}

TEST(GrpoValidationTest, RefusesMoreOptimizerStepsThanPrompts) {
  proto::GrpoConfig config = GoodConfig();
  config.mutable_algorithm()->set_optimizer_steps(5);
  EXPECT_THAT(CheckGrpoConfig(config),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("algorithm.optimizer_steps: is 5")));
}

TEST(GrpoValidationTest, WantsAReward) {
  proto::GrpoConfig config = GoodConfig();
  config.mutable_reward()->clear_verifiers();
  EXPECT_THAT(CheckGrpoConfig(config), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("neither plugins")));
}

TEST(GrpoValidationTest, NamesAVerifierThatCannotBeBuilt) {
  proto::GrpoConfig config = GoodConfig();
  proto::VerifierConfig& verifier = *config.mutable_reward()->add_verifiers();
  verifier.set_name("regex");
  verifier.set_pattern("(");
  EXPECT_THAT(CheckGrpoConfig(config),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("reward.verifiers.1.pattern: missing )")));
}

TEST(GrpoValidationTest, LocalWorkersServeTheTrainedType) {
  proto::GrpoConfig config = GoodConfig();
  config.mutable_compute()->set_dtype("bfloat16");
  EXPECT_THAT(CheckGrpoConfig(config),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("rollout.compute.dtype: is float32")));
  proto::WorkerAddress* worker = config.mutable_rollout()->add_workers();
  worker->set_address("127.0.0.1:1");
  EXPECT_THAT(CheckGrpoConfig(config), IsOk());
}

}  // namespace
}  // namespace plumb
