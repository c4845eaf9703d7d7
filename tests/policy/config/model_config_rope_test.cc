#include "policy/config/model_config_rope.h"

#include <gtest/gtest.h>

#include "tests/policy/export/published_configs.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::PublishedConfig;
using testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// V3's rotary embeddings with one field of rope_scaling replaced, or taken away by a null.
absl::StatusOr<RopeConfig> ReadWith(const std::string& key, const Json& value) {
  Json config = PublishedConfig("v3");
  config["rope_scaling"][key] = value;
  return ReadRope(config);
}

// V3's, spelled as transformers 5 does.
Json Version5() {
  Json config = PublishedConfig("v3");
  Json parameters = config["rope_scaling"];
  parameters["rope_theta"] = config["rope_theta"];
  parameters["rope_type"] = parameters["type"];
  parameters.erase("type");
  config.erase("rope_scaling");
  config.erase("rope_theta");
  config["rope_parameters"] = parameters;
  return config;
}

TEST(ModelConfigRopeTest, BothSpellingsSayTheSame) {
  ASSERT_OK_AND_ASSIGN(const RopeConfig hub, ReadRope(PublishedConfig("v3")));
  ASSERT_OK_AND_ASSIGN(const RopeConfig version5, ReadRope(Version5()));
  EXPECT_TRUE(hub.yarn);
  EXPECT_EQ(hub.factor, 40.0);
  EXPECT_EQ(hub.theta, version5.theta);
  EXPECT_EQ(hub.original_max_positions, version5.original_max_positions);
  EXPECT_EQ(hub.mscale_all_dim, version5.mscale_all_dim);
}

TEST(ModelConfigRopeTest, BothSpellingsTogetherHaveToAgree) {
  Json both = Version5();
  both["rope_scaling"] = PublishedConfig("v3")["rope_scaling"];
  ASSERT_OK_AND_ASSIGN(const RopeConfig rope, ReadRope(both));
  EXPECT_EQ(rope.factor, 40.0);
  both["rope_theta"] = 10000;
  EXPECT_OK(ReadRope(both));
  both["rope_scaling"]["factor"] = 4;
  EXPECT_THAT(ReadRope(both), StatusIs(kInvalid, HasSubstr("rope_scaling contradicts rope_parameters")));
  both["rope_scaling"] = {{"type", "default"}};
  EXPECT_THAT(ReadRope(both), StatusIs(kInvalid, HasSubstr("rope_scaling contradicts rope_parameters")));
  both["rope_scaling"] = nullptr;
  EXPECT_OK(ReadRope(both));
}

TEST(ModelConfigRopeTest, OneThingSaidTwiceHasToAgree) {
  Json config = Version5();
  config["rope_theta"] = 50000;
  EXPECT_THAT(ReadRope(config), StatusIs(kInvalid, HasSubstr("rope_parameters.rope_theta contradicts rope_theta")));
  EXPECT_THAT(ReadWith("rope_type", "default"), StatusIs(kInvalid, HasSubstr("rope_scaling.rope_type contradicts")));
  EXPECT_OK(ReadWith("rope_type", "yarn"));
}

TEST(ModelConfigRopeTest, ValuesWithoutSenseAreRefused) {
  EXPECT_THAT(ReadWith("attention_factor", 0), StatusIs(kInvalid, HasSubstr("rope_scaling.attention_factor is 0")));
  EXPECT_THAT(ReadWith("attention_factor", -1), StatusIs(kInvalid, HasSubstr("attention_factor is -1")));
  EXPECT_OK(ReadWith("attention_factor", 1.25));
  EXPECT_THAT(ReadWith("factor", 0), StatusIs(kInvalid, HasSubstr("rope_scaling.factor is 0")));
  EXPECT_THAT(ReadWith("factor", 0.5), StatusIs(kInvalid, HasSubstr("rope_scaling.factor is 0.5")));
  EXPECT_THAT(ReadWith("factor", 1e300), StatusIs(kInvalid, HasSubstr("rope_scaling.factor is 1e+300")));
  EXPECT_THAT(ReadWith("beta_fast", 0), StatusIs(kInvalid, HasSubstr("rope_scaling.beta_fast is 0")));
  EXPECT_THAT(ReadWith("beta_slow", 0), StatusIs(kInvalid, HasSubstr("rope_scaling.beta_slow is 0")));
  EXPECT_THAT(ReadWith("beta_slow", 33),
              StatusIs(kInvalid, HasSubstr("beta_fast is 32, expected at least beta_slow, 33")));
  EXPECT_OK(ReadWith("beta_slow", 32));
  EXPECT_THAT(ReadWith("mscale", -1), StatusIs(kInvalid, HasSubstr("mscale is -1")));
  EXPECT_THAT(ReadWith("mscale_all_dim", 1e300), StatusIs(kInvalid, HasSubstr("mscale_all_dim is 1e+300")));
  EXPECT_THAT(ReadWith("original_max_position_embeddings", 0),
              StatusIs(kInvalid, HasSubstr("original_max_position_embeddings is 0")));
  EXPECT_THAT(ReadWith("original_max_position_embeddings", Json()),
              StatusIs(kInvalid, HasSubstr("original_max_position_embeddings")));
}

// transformers then takes 0.1 ln(factor) + 1 for cosines and sines, DeepSeek's code the ratio with 1 and 0 for what is
// missing.
TEST(ModelConfigRopeTest, ScalesThatCodesReadDifferentlyAreRefused) {
  EXPECT_THAT(ReadWith("mscale", Json()), StatusIs(kInvalid, AllOf(HasSubstr("1.36889"), HasSubstr("code by 1;"))));
  Json config = PublishedConfig("v2");
  config["rope_scaling"].erase("mscale_all_dim");
  EXPECT_THAT(ReadRope(config), StatusIs(kInvalid, AllOf(HasSubstr("0.707"), HasSubstr("attention_factor"))));
  // Both codes: 0.1 ln(factor) + 1.
  EXPECT_OK(ReadWith("mscale_all_dim", 0));
  config["rope_scaling"].erase("mscale");
  EXPECT_OK(ReadRope(config));
}

}  // namespace
}  // namespace plumb
