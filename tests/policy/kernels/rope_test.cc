#include "policy/kernels/rope.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

using testing::MaxDifference;

TEST(RopeTest, TurnsAdjacentPairsByPositionTimesFrequency) {
  RopeConfig config;
  config.theta = 4.0;  // frequencies 1 and 1 / 2
  const RopeTable table = MakeRopeTable(config, 4, at::tensor({0, 3}, at::kLong));
  const at::Tensor input = at::tensor({1.0f, 0.0f, 0.0f, 1.0f}).expand({2, 1, 4});
  const at::Tensor output = ApplyRope(input, table);
  EXPECT_TRUE(output[0].equal(input[0]));
  const at::Tensor expected = at::tensor({std::cos(3.0), std::sin(3.0), -std::sin(1.5), std::cos(1.5)}, at::kDouble);
  EXPECT_LE(MaxDifference(output[1][0], expected), 1e-6);
}

TEST(RopeTest, HalvesArePairedWhereNotInterleaved) {
  RopeConfig config;
  const at::Tensor positions = at::arange(5, at::kLong);
  const RopeTable pairs = MakeRopeTable(config, 8, positions);
  config.interleaved = false;
  const RopeTable halves = MakeRopeTable(config, 8, positions);
  const at::Tensor input = at::randn({5, 2, 8});
  const at::Tensor order = at::tensor({0, 2, 4, 6, 1, 3, 5, 7}, at::kLong);
  const at::Tensor expected = ApplyRope(input, pairs).index_select(2, order);
  EXPECT_LE(MaxDifference(ApplyRope(input.index_select(2, order), halves), expected), 1e-6);
}

TEST(RopeTest, ScoresDependOnDistanceAlone) {
  const RopeTable table = MakeRopeTable(RopeConfig(), 8, at::tensor({3, 10, 20, 27}, at::kLong));
  const at::Tensor query = ApplyRope(at::ones({1, 8}).expand({4, 1, 8}), table).squeeze(1);
  EXPECT_NEAR(query[0].dot(query[1]).item<float>(), query[2].dot(query[3]).item<float>(), 1e-5);
}

TEST(RopeTest, GradientTurnsBack) {
  const RopeTable table = MakeRopeTable(RopeConfig(), 6, at::arange(4, at::kLong));
  const at::Tensor input = at::randn({4, 2, 6}).set_requires_grad(true);
  const at::Tensor upstream = at::randn({4, 2, 6});
  ApplyRope(input, table).backward(ApplyRope(upstream, table));
  EXPECT_LE(MaxDifference(input.grad(), upstream), 1e-5);
}

}  // namespace
}  // namespace plumb
