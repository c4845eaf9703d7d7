#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "policy/weights.h"
#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

using testing::SmallWeights;

TEST(RandomWeightsTest, NormalWithTheConfiguredDeviation) {
  const PolicyWeights weights = SmallWeights();
  const at::Tensor& values = weights.layers[1].expert_gate_up;
  EXPECT_NEAR(values.std().item<double>(), 0.2, 0.002);
  EXPECT_NEAR(values.mean().item<double>(), 0.0, 0.002);
  EXPECT_TRUE(weights.final_norm.eq(1.0).all().item<bool>());
  EXPECT_TRUE(weights.layers[1].gate_bias.eq(0.0).all().item<bool>());
}

// The digest of seed 1 was recorded; it must not change, for runs are named by their seed.
TEST(RandomWeightsTest, SeedsGiveTheSameBitsEverywhere) {
  EXPECT_EQ(WeightDigest(SmallWeights(1)), WeightDigest(SmallWeights(1)));
  EXPECT_NE(WeightDigest(SmallWeights(1)), WeightDigest(SmallWeights(2)));
  EXPECT_EQ(WeightDigest(SmallWeights(1)), uint64_t{16412429074649781945u});
}

TEST(RandomWeightsPropertyTest, ThreadsDoNotMatter) {
  const int before = at::get_num_threads();
  const uint64_t many = WeightDigest(SmallWeights());
  at::set_num_threads(1);
  EXPECT_EQ(WeightDigest(SmallWeights()), many);
  at::set_num_threads(before);
}

}  // namespace
}  // namespace plumb
