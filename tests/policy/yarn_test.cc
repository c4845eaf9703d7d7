#include "policy/yarn.h"

#include <gtest/gtest.h>

#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using testing::GoldenPath;
using testing::MustReadJson;

TEST(YarnGoldenTest, FrequenciesMultiplierAndSoftmaxScale) {
  for (const Json& golden : MustReadJson(GoldenPath("formats/yarn.json"))) {
    const Json& given = golden["rope_parameters"];
    ModelConfig config;
    config.qk_rope_head_dim = golden["qk_rope_head_dim"];
    config.qk_nope_head_dim = golden["qk_head_dim"].get<int64_t>() - config.qk_rope_head_dim;
    config.rope.yarn = true;
    config.rope.theta = given["rope_theta"];
    config.rope.factor = given["factor"];
    config.rope.original_max_positions = given["original_max_position_embeddings"];
    config.rope.beta_fast = given.value("beta_fast", 32.0);
    config.rope.beta_slow = given.value("beta_slow", 1.0);
    config.rope.mscale = given.value("mscale", 0.0);
    config.rope.mscale_all_dim = given.value("mscale_all_dim", 0.0);
    const std::vector<float> frequencies = InverseFrequencies(config.rope, config.qk_rope_head_dim);
    ASSERT_EQ(frequencies.size(), golden["inv_freq"].size());
    for (size_t pair = 0; pair < frequencies.size(); ++pair) {
      const double expected = golden["inv_freq"][pair];
      EXPECT_NEAR(frequencies[pair], expected, 1e-6 * expected) << golden["name"] << " " << pair;
    }
    const double multiplier = golden["cos_sin_multiplier"];
    EXPECT_NEAR(CosSinMultiplier(config.rope), multiplier, 1e-6 * multiplier) << golden["name"];
    const double scale = golden["softmax_scale"];
    EXPECT_NEAR(SoftmaxScale(config), scale, 1e-6 * scale) << golden["name"];
  }
}

TEST(YarnTest, PlainRopeHasPowersOfTheta) {
  RopeConfig rope;
  rope.theta = 16.0;
  EXPECT_EQ(InverseFrequencies(rope, 4), (std::vector<float>{1.0f, 0.25f}));
  EXPECT_EQ(CosSinMultiplier(rope), 1.0);
}

TEST(YarnTest, MultiplierGivenByTheConfiguration) {
  RopeConfig rope;
  rope.yarn = true;
  rope.factor = 8.0;
  EXPECT_NEAR(CosSinMultiplier(rope), 0.1 * std::log(8.0) + 1.0, 1e-12);
  rope.attention_factor = 1.5;
  EXPECT_EQ(CosSinMultiplier(rope), 1.5);
}

}  // namespace
}  // namespace plumb
