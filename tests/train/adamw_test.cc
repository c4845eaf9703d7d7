#include "train/adamw.h"

#include <ATen/ATen.h>

#include <cmath>

#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::IsOk;
using ::plumb::testing::StatusIs;
using ::testing::HasSubstr;

Parameter Scalar(const std::string& name, double value, at::ScalarType type = at::kFloat, bool decays = true) {
  return {name, at::full({1}, value, type).set_requires_grad(true), decays};
}

void SetGradient(const Parameter& parameter, double gradient) {
  at::Tensor value = parameter.value;
  value.mutable_grad() = at::full_like(value.detach(), gradient);
}

double ValueOf(const Parameter& parameter) { return parameter.value.detach().to(at::kDouble).item<double>(); }

TEST(AdamWTest, FollowsTheFormulaForTwoSteps) {
  AdamW optimizer({Scalar("w", 1.0)}, {.weight_decay = 0.1});
  SetGradient(optimizer.parameters()[0], 0.5);
  optimizer.Step(0.1);
  // 1 * (1 - 0.1 * 0.1) - 0.1 * 0.5 / 0.5
  EXPECT_NEAR(ValueOf(optimizer.parameters()[0]), 0.89, 1e-6);
  optimizer.ZeroGradients();
  optimizer.Step(0.1);
  // Gradient 0: first moment 0.045 / 0.19, second 0.00024975 / 0.001999.
  const double step = 0.1 * (0.045 / 0.19) / std::sqrt(0.00024975 / 0.001999);
  EXPECT_NEAR(ValueOf(optimizer.parameters()[0]), 0.89 * 0.99 - step, 1e-6);
  EXPECT_EQ(optimizer.steps(), 2);
}

TEST(AdamWTest, DecaysOnlyWhatShallDecay) {
  AdamW optimizer({Scalar("w", 1.0), Scalar("norm", 1.0, at::kFloat, /*decays=*/false)}, {.weight_decay = 0.5});
  optimizer.Step(0.1);
  EXPECT_NEAR(ValueOf(optimizer.parameters()[0]), 0.95, 1e-6);
  EXPECT_EQ(ValueOf(optimizer.parameters()[1]), 1.0);
}

TEST(AdamWTest, SmallStepsAddUpInTheMasterOfABfloat16Parameter) {
  AdamW optimizer({Scalar("w", 1.0, at::kBFloat16)}, {});
  SetGradient(optimizer.parameters()[0], 1.0);
  optimizer.Step(0.001);
  // The nearest bfloat16 below 1 is 1 - 2^-8; one step of 0.001 rounds back to 1.
  EXPECT_EQ(ValueOf(optimizer.parameters()[0]), 1.0);
  for (int i = 0; i < 3; ++i) optimizer.Step(0.001);
  EXPECT_EQ(ValueOf(optimizer.parameters()[0]), 1.0 - 1.0 / 256);
  EXPECT_NEAR(optimizer.State().at("master.w").item<double>(), 0.996, 1e-5);
}

TEST(AdamWTest, ClipsTheGlobalNormAndReturnsTheOneBefore) {
  AdamW optimizer({Scalar("a", 0.0), Scalar("b", 0.0), Scalar("without gradient", 0.0)}, {});
  SetGradient(optimizer.parameters()[0], 3.0);
  SetGradient(optimizer.parameters()[1], -4.0);
  EXPECT_NEAR(optimizer.ClipGradients(10.0), 5.0, 1e-6);
  EXPECT_EQ(optimizer.parameters()[0].value.grad().item<float>(), 3.0f);
  EXPECT_NEAR(optimizer.ClipGradients(1.0), 5.0, 1e-6);
  EXPECT_NEAR(optimizer.parameters()[0].value.grad().item<float>(), 0.6, 1e-6);
  EXPECT_NEAR(optimizer.parameters()[1].value.grad().item<float>(), -0.8, 1e-6);
}

TEST(AdamWTest, ANormThatIsNotFiniteScalesNothing) {
  AdamW optimizer({Scalar("a", 0.0), Scalar("b", 0.0)}, {});
  SetGradient(optimizer.parameters()[0], 3.0);
  SetGradient(optimizer.parameters()[1], NAN);
  EXPECT_FALSE(std::isfinite(optimizer.ClipGradients(1.0)));
  EXPECT_EQ(optimizer.parameters()[0].value.grad().item<float>(), 3.0f);
}

TEST(AdamWPropertyTest, GoesOnFromItsStateToTheSameBits) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    AdamW first({Scalar("w", 0.3, type)}, {.weight_decay = 0.1});
    SetGradient(first.parameters()[0], 0.7);
    first.Step(0.01);
    AdamW second({Scalar("w", ValueOf(first.parameters()[0]), type)}, {.weight_decay = 0.1});
    ASSERT_OK(second.LoadState(first.State(), first.steps()));
    for (AdamW* optimizer : {&first, &second}) {
      SetGradient(optimizer->parameters()[0], -0.2);
      optimizer->Step(0.01);
    }
    EXPECT_EQ(ValueOf(first.parameters()[0]), ValueOf(second.parameters()[0]));
    EXPECT_EQ(second.steps(), 2);
    for (const auto& [name, tensor] : first.State()) EXPECT_TRUE(at::equal(tensor, second.State().at(name))) << name;
  }
}

TEST(AdamWFaultTest, AStateOfAnotherModelIsRefused) {
  AdamW optimizer({Scalar("w", 1.0)}, {});
  EXPECT_THAT(optimizer.LoadState({}, 1),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("exp_avg.w: missing")));
  EXPECT_THAT(optimizer.LoadState({{"exp_avg.w", at::zeros({2})}}, 1),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("exp_avg.w: is [2]")));
  EXPECT_THAT(optimizer.LoadState(
                  {{"exp_avg.w", at::zeros({1})}, {"exp_avg_sq.w", at::zeros({1})}, {"exp_avg.v", at::zeros({1})}}, 1),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("has 3 tensors, expected 2")));
}

}  // namespace
}  // namespace plumb
