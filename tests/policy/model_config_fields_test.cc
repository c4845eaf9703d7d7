#include "policy/model_config_fields.h"

#include <gtest/gtest.h>

#include "policy/model_config.h"
#include "tests/policy/export/published_configs.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::PublishedConfig;
using testing::PublishedConfigNames;
using testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

absl::Status StatusWith(const std::string& key, const Json& value) {
  Json config = PublishedConfig("v3");
  config[key] = value;
  return ParseModelConfig(config).status();
}

TEST(ModelConfigFieldsGoldenTest, EveryPublishedLayoutIsRead) {
  for (const std::string& name : PublishedConfigNames()) {
    ASSERT_OK_AND_ASSIGN(const ModelConfig config, ParseModelConfig(PublishedConfig(name)));
    EXPECT_EQ(config.family == ModelFamily::kV2, name.substr(0, 2) == "v2") << name;
    EXPECT_EQ(config.source, PublishedConfig(name)) << name << ": every field is kept";
  }
}

TEST(ModelConfigFieldsTest, AFieldThatIsNotKnownIsNamed) {
  EXPECT_THAT(StatusWith("attn_logit_softcapping", 30.0), StatusIs(kInvalid, HasSubstr("attn_logit_softcapping")));
  EXPECT_THAT(StatusWith("first_k_dense", 1), StatusIs(kInvalid, HasSubstr("first_k_dense: not a field")));
}

TEST(ModelConfigFieldsTest, HarmlessPrivateAndNullFieldsAreLetThrough) {
  EXPECT_OK(StatusWith("use_cache", false));
  EXPECT_OK(StatusWith("_name_or_path", "x"));
  EXPECT_OK(StatusWith("attn_logit_softcapping", Json()));
  EXPECT_OK(StatusWith("head_dim", 64));
  EXPECT_OK(StatusWith("qk_head_dim", 192));
  EXPECT_OK(StatusWith("num_local_experts", 256));
}

TEST(ModelConfigFieldsTest, OtherModelsAreRefusedByName) {
  EXPECT_THAT(StatusWith("model_type", "deepseek_v32"), StatusIs(kInvalid, HasSubstr("DeepSeek-V3.2")));
  EXPECT_THAT(StatusWith("model_type", "glm4_moe_lite"), StatusIs(kInvalid, HasSubstr("model_type is glm4_moe_lite")));
  EXPECT_THAT(StatusWith("index_topk", 2048), StatusIs(kInvalid, AllOf(HasSubstr("index_topk"), HasSubstr("sparse"))));
  EXPECT_THAT(StatusWith("architectures", {"DeepseekV3ForSequenceClassification"}),
              StatusIs(kInvalid, HasSubstr("architectures")));
  EXPECT_THAT(StatusWith("vision_config", Json::object()), StatusIs(kInvalid, HasSubstr("vision_config")));
}

TEST(ModelConfigFieldsTest, ValuesThatChangeTheNumbersAreRefused) {
  EXPECT_THAT(StatusWith("attention_dropout", 0.1), StatusIs(kInvalid, HasSubstr("attention_dropout is 0.1")));
  EXPECT_THAT(StatusWith("qk_head_dim", 128), StatusIs(kInvalid, HasSubstr("qk_head_dim is 128")));
  EXPECT_THAT(StatusWith("num_local_experts", 8), StatusIs(kInvalid, HasSubstr("num_local_experts is 8")));
  EXPECT_THAT(StatusWith("num_key_value_heads", 8), StatusIs(kInvalid, HasSubstr("num_key_value_heads is 8")));
}

TEST(ModelConfigFieldsTest, QuantizationsAreRefusedByName) {
  Json quantization = PublishedConfig("v3")["quantization_config"];
  const auto with = [&](const std::string& key, const Json& value) {
    Json changed = quantization;
    changed[key] = value;
    return StatusWith("quantization_config", changed);
  };
  EXPECT_THAT(with("quant_method", "awq"), StatusIs(kInvalid, HasSubstr("quant_method is awq")));
  EXPECT_THAT(with("weight_block_size", {64, 64}), StatusIs(kInvalid, HasSubstr("weight_block_size is [64,64]")));
  EXPECT_THAT(with("fmt", "e5m2"), StatusIs(kInvalid, HasSubstr("fmt is e5m2")));
  EXPECT_THAT(with("activation_scheme", "static"), StatusIs(kInvalid, HasSubstr("activation_scheme is static")));
  EXPECT_THAT(with("scale_fmt", "e3m0"), StatusIs(kInvalid, HasSubstr("scale_fmt is e3m0")));
  EXPECT_THAT(with("group_size", 32), StatusIs(kInvalid, HasSubstr("quantization_config.group_size")));
  EXPECT_OK(with("modules_to_not_convert", {"lm_head"}));
}

TEST(ModelConfigFieldsTest, RotaryFieldsThatAreNotKnownAreRefused) {
  Json scaling = PublishedConfig("v3")["rope_scaling"];
  scaling["short_factor"] = {1.0};
  EXPECT_THAT(StatusWith("rope_scaling", scaling), StatusIs(kInvalid, HasSubstr("rope_scaling.short_factor")));
  scaling.erase("short_factor");
  scaling["partial_rotary_factor"] = 0.5;
  EXPECT_THAT(StatusWith("rope_scaling", scaling), StatusIs(kInvalid, HasSubstr("partial_rotary_factor is 0.5")));
  scaling.erase("partial_rotary_factor");
  scaling.erase("factor");
  EXPECT_THAT(StatusWith("rope_scaling", scaling), StatusIs(kInvalid, HasSubstr("factor")));
}

TEST(FieldReaderTest, KeepsTheFirstError) {
  const Json object = {{"a", "x"}, {"b", -1}, {"c", 3}};
  FieldReader read(object);
  EXPECT_EQ(read.Int("c", 1), 3);
  EXPECT_OK(read.status());
  read.Int("b", 0);
  read.Int("a", 0);
  EXPECT_THAT(read.status(), StatusIs(kInvalid, HasSubstr("b is -1")));
}

}  // namespace
}  // namespace plumb
