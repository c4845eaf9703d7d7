#include "policy/kernels/router.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/policy/exactness/row_exactness.h"
#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

using testing::MaxDifference;

ModelConfig GateConfig(ModelFamily family, GateSelection selection, int64_t experts_per_token) {
  ModelConfig config;
  config.family = family;
  config.gate_selection = selection;
  config.gate_score = family == ModelFamily::kV2 ? GateScore::kSoftmax : GateScore::kSigmoid;
  config.experts_per_token = experts_per_token;
  return config;
}

at::Tensor Chosen(const ModelConfig& config, std::vector<float> scores, const at::Tensor& bias = {}) {
  return ChooseExperts(config, at::tensor(scores).unsqueeze(0), bias)[0];
}

at::Tensor Ids(std::vector<int64_t> ids) { return at::tensor(ids, at::kLong); }

TEST(RouterTest, TiesGoToTheLowerIndex) {
  const ModelConfig config = GateConfig(ModelFamily::kV3, GateSelection::kNoAuxTc, 2);
  EXPECT_TRUE(Chosen(config, {0.1f, 0.5f, 0.5f, 0.5f}).equal(Ids({1, 2})));
  EXPECT_TRUE(Chosen(config, {0.5f, 0.1f, 0.9f, 0.5f}).equal(Ids({0, 2})));
}

TEST(RouterTest, V3GroupsAreRankedByTheirTwoBestAndTheRestIsShut) {
  ModelConfig config = GateConfig(ModelFamily::kV3, GateSelection::kNoAuxTc, 2);
  config.num_groups = 2;
  config.groups_per_token = 1;
  // The first group has the best expert, the second the better pair.
  EXPECT_TRUE(Chosen(config, {0.9f, 0.0f, 0.5f, 0.6f}).equal(Ids({2, 3})));
  // Biased scores below zero: a mask of zeros would let the other group in.
  const at::Tensor bias = at::tensor({-2.0f, -2.0f, -3.0f, -3.0f});
  EXPECT_TRUE(Chosen(config, {0.9f, 0.1f, 0.5f, 0.6f}, bias).equal(Ids({0, 1})));
}

TEST(RouterTest, V2GroupsAreRankedByTheirBest) {
  ModelConfig config = GateConfig(ModelFamily::kV2, GateSelection::kGroupLimitedGreedy, 2);
  config.num_groups = 2;
  config.groups_per_token = 1;
  EXPECT_TRUE(Chosen(config, {0.9f, 0.0f, 0.5f, 0.6f}).equal(Ids({0, 1})));
  config.gate_selection = GateSelection::kGreedy;
  EXPECT_TRUE(Chosen(config, {0.9f, 0.0f, 0.5f, 0.6f}).equal(Ids({0, 3})));
}

// One token of width 1, so that logits are the gate itself.
Routing RouteOne(const ModelConfig& config, std::vector<float> logits, const at::Tensor& bias = {}) {
  return Route(config, at::ones({1, 1}), at::tensor(logits).unsqueeze(1), bias);
}

// In bfloat16 the three were equal, and the first two would be taken.
TEST(RouterTest, LogitsAreFloat32InEveryModel) {
  const ModelConfig config = GateConfig(ModelFamily::kV3, GateSelection::kNoAuxTc, 2);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor gate = at::tensor({1.0f, 1.0f + 0x1p-20f, 1.0f + 0x1p-19f}).unsqueeze(1);
    const Routing routing = Route(config, at::ones({1, 1}, type), gate, {});
    EXPECT_TRUE(routing.experts[0].equal(Ids({1, 2}))) << routing.experts;
    EXPECT_TRUE(routing.logits.equal(gate.t())) << routing.logits;
    EXPECT_NE(routing.weights[0][0].item<float>(), routing.weights[0][1].item<float>());
  }
}

TEST(RouterTest, V3BiasChoosesButDoesNotWeigh) {
  ModelConfig config = GateConfig(ModelFamily::kV3, GateSelection::kNoAuxTc, 1);
  config.routed_scaling_factor = 2.0;
  const Routing routing = RouteOne(config, {5.0f, 0.0f}, at::tensor({0.0f, 9.0f}));
  EXPECT_EQ(routing.experts.item<int64_t>(), 1);
  EXPECT_NEAR(routing.weights.item<float>(), 2.0 * 0.5, 1e-6);
}

TEST(RouterTest, V3NormalisesAndScales) {
  ModelConfig config = GateConfig(ModelFamily::kV3, GateSelection::kNoAuxTc, 2);
  config.norm_topk_prob = true;
  config.routed_scaling_factor = 2.5;
  EXPECT_NEAR(RouteOne(config, {0.3f, -1.0f, 0.7f}).weights.sum().item<float>(), 2.5, 1e-5);
}

TEST(RouterTest, V2NormalisesOrScales) {
  ModelConfig config = GateConfig(ModelFamily::kV2, GateSelection::kGreedy, 2);
  config.routed_scaling_factor = 16.0;
  const std::vector<float> logits = {0.0f, 0.0f, 0.0f, 0.0f};
  EXPECT_LE(MaxDifference(RouteOne(config, logits).weights, at::full({1, 2}, 4.0)), 1e-5);
  config.norm_topk_prob = true;
  EXPECT_LE(MaxDifference(RouteOne(config, logits).weights, at::full({1, 2}, 0.5)), 1e-6);
}

TEST(RouterTest, GivenExpertsTakeLiveWeights) {
  const ModelConfig config = GateConfig(ModelFamily::kV3, GateSelection::kNoAuxTc, 1);
  const Routing routing = RouteTo(config, at::ones({1, 1}), testing::Matrix({{9.0f}, {0.0f}}), Ids({1}).unsqueeze(0));
  EXPECT_NEAR(routing.weights.item<float>(), 0.5, 1e-6);
}

// Both gates, groups too: experts and weights of a token do not depend on the others.
TEST(RouterPropertyTest, ATokenDoesNotDependOnItsBatch) {
  at::manual_seed(3);
  const at::Tensor gate = at::randn({24, 40});
  const at::Tensor bias = at::randn({24});
  for (const ModelFamily family : {ModelFamily::kV2, ModelFamily::kV3}) {
    ModelConfig config = GateConfig(
        family, family == ModelFamily::kV2 ? GateSelection::kGroupLimitedGreedy : GateSelection::kNoAuxTc, 5);
    config.num_groups = 4;
    config.groups_per_token = 2;
    config.norm_topk_prob = true;
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      testing::ExpectRowsAreExact(at::randn({129, 40}, type), [&](const at::Tensor& rows) {
        const Routing routing = Route(config, rows, gate, family == ModelFamily::kV3 ? bias : at::Tensor());
        return at::cat({routing.logits, routing.weights, routing.experts.to(at::kFloat)}, 1);
      });
    }
  }
}

// The router computes in float32 whatever the activations are: a gate in bfloat16 would mix these two logits up.
TEST(RouterTest, LogitsKeepFloat32) {
  const at::Tensor hidden = at::ones({1, 2}, at::kBFloat16);
  const at::Tensor gate = testing::Matrix({{1.0, 0.0}, {1.0, 0.0009765625}});
  ModelConfig config = GateConfig(ModelFamily::kV3, GateSelection::kNoAuxTc, 1);
  const Routing routing = Route(config, hidden, gate, {});
  EXPECT_EQ(routing.logits.scalar_type(), at::kFloat);
  EXPECT_EQ(routing.logits[0][1].item<float>(), 1.0009765625f);
  EXPECT_EQ(routing.experts.item<int64_t>(), 1);
}

TEST(RouterConformanceTest, ScoresHaveTheGradientsOfAutograd) {
  at::manual_seed(4);
  const at::Tensor upstream = at::randn({7, 3});
  const at::Tensor hidden = at::randn({7, 12});
  const at::Tensor gate_values = at::randn({9, 12});
  for (const ModelFamily family : {ModelFamily::kV2, ModelFamily::kV3}) {
    ModelConfig config = GateConfig(family, GateSelection::kGreedy, 3);
    config.norm_topk_prob = true;
    const at::Tensor gate = gate_values.clone().set_requires_grad(true);
    const Routing routing = Route(config, hidden, gate, {});
    routing.weights.backward(upstream);
    const at::Tensor plain = gate_values.clone().set_requires_grad(true);
    const at::Tensor logits = at::linear(hidden, plain);
    const at::Tensor scores = family == ModelFamily::kV2 ? at::softmax(logits, -1) : at::sigmoid(logits);
    const at::Tensor chosen = scores.gather(1, routing.experts);
    (chosen / chosen.sum(1, /*keepdim=*/true) * config.routed_scaling_factor).backward(upstream);
    EXPECT_LE(MaxDifference(gate.grad(), plain.grad()), 1e-5);
  }
}

}  // namespace
}  // namespace plumb
