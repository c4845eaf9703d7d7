#include "policy/config/model_config_fields.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
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

TEST(ModelConfigFieldsTest, AFieldThatIsNotKnownHidesNoneThatIsMissing) {
  Json config = PublishedConfig("v3");
  config["first_k_dense"] = 1;
  for (const char* key : {"n_group", "hidden_size", "vocab_size"}) config.erase(key);
  EXPECT_THAT(ParseModelConfig(config),
              StatusIs(kInvalid, AllOf(HasSubstr("first_k_dense: not a field"), HasSubstr("missing: n_group ("),
                                       HasSubstr("hidden_size is missing"), HasSubstr("vocab_size is missing"))));
}

absl::Status StatusWithout(const std::string& model, const std::string& key) {
  Json config = PublishedConfig(model);
  config.erase(key);
  return ParseModelConfig(config).status();
}

TEST(ModelConfigFieldsTest, WhatCodesFillInDifferentlyHasToBeGiven) {
  for (const char* model : {"v3", "moonlight", "kimi-k2"}) {
    for (const char* key : {"norm_topk_prob", "routed_scaling_factor", "n_group", "topk_group", "first_k_dense_replace",
                            "n_routed_experts", "n_shared_experts", "q_lora_rank"}) {
      EXPECT_THAT(StatusWithout(model, key), StatusIs(kInvalid, HasSubstr(absl::StrCat("missing: ", key, " ("))));
    }
  }
  for (const char* key :
       {"n_group", "topk_group", "topk_method", "n_routed_experts", "n_shared_experts", "q_lora_rank"}) {
    EXPECT_THAT(StatusWithout("v2", key), StatusIs(kInvalid, HasSubstr(absl::StrCat("missing: ", key, " ("))));
  }
  EXPECT_THAT(StatusWith("norm_topk_prob", Json()), StatusIs(kInvalid, HasSubstr("norm_topk_prob (true in V3")));
}

TEST(ModelConfigFieldsTest, WhatEveryCodeFillsInAlikeMayBeMissing) {
  for (const char* key : {"norm_topk_prob", "routed_scaling_factor", "first_k_dense_replace", "scoring_func"}) {
    EXPECT_OK(StatusWithout("v2", key)) << key;
  }
  for (const char* key : {"n_group", "topk_group"}) EXPECT_OK(StatusWithout("v2-lite", key)) << key;
  for (const char* key : {"scoring_func", "topk_method", "rope_theta", "rms_norm_eps"}) {
    EXPECT_OK(StatusWithout("v3", key)) << key;
  }
}

TEST(ModelConfigFieldsTest, ADenseModelNeedsNoRouter) {
  Json config = PublishedConfig("v3");
  config["n_routed_experts"] = nullptr;
  for (const char* key : {"norm_topk_prob", "n_group", "topk_group", "n_shared_experts"}) config.erase(key);
  ASSERT_OK_AND_ASSIGN(const ModelConfig dense, ParseModelConfig(config));
  EXPECT_EQ(dense.num_experts, 0);
}

TEST(ModelConfigFieldsTest, AnotherNameOfTheExpertsCounts) {
  Json config = PublishedConfig("v3");
  config.erase("n_routed_experts");
  config["num_local_experts"] = 256;
  ASSERT_OK_AND_ASSIGN(const ModelConfig read, ParseModelConfig(config));
  EXPECT_EQ(read.num_experts, 256);
  config.erase("norm_topk_prob");
  EXPECT_THAT(ParseModelConfig(config), StatusIs(kInvalid, HasSubstr("norm_topk_prob")));
}

TEST(ModelConfigFieldsTest, AScaleThatSwitchesExpertsOffIsRefused) {
  EXPECT_THAT(StatusWith("routed_scaling_factor", 0), StatusIs(kInvalid, HasSubstr("routed_scaling_factor is 0")));
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

TEST(ModelConfigFaultTest, MoreMatricesThanAnyModelHasAreRefused) {
  Json config = PublishedConfig("v3");
  config["num_hidden_layers"] = 1024;
  config["n_routed_experts"] = 8192;
  EXPECT_THAT(ParseModelConfig(config),
              StatusIs(kInvalid, HasSubstr("n_routed_experts is 8192, in 1022 layers: 25116672 matrices of experts")));
  config["num_hidden_layers"] = 44;  // 42 layers with experts, one of them for multi-token prediction
  EXPECT_OK(ParseModelConfig(config).status());
}

TEST(ModelConfigFaultTest, IdsOutsideOfTheVocabularyAreRefused) {
  EXPECT_THAT(StatusWith("bos_token_id", 129280), StatusIs(kInvalid, HasSubstr("bos_token_id is 129280")));
  EXPECT_THAT(StatusWith("bos_token_id", "0"), StatusIs(kInvalid, HasSubstr("bos_token_id is \"0\"")));
  EXPECT_THAT(StatusWith("eos_token_id", -1), StatusIs(kInvalid, HasSubstr("eos_token_id is -1")));
  EXPECT_THAT(StatusWith("eos_token_id", {1, 129280}), StatusIs(kInvalid, HasSubstr("eos_token_id is 129280")));
  EXPECT_OK(StatusWith("eos_token_id", {1, 129279}));
}

TEST(ModelConfigFaultTest, ModulesThatAreNotConvertedAreNames) {
  Json quantization = PublishedConfig("v3")["quantization_config"];
  for (const Json& wrong : {Json("lm_head"), Json({1}), Json::object()}) {
    quantization["modules_to_not_convert"] = wrong;
    EXPECT_THAT(StatusWith("quantization_config", quantization), StatusIs(kInvalid, HasSubstr("a list of names")));
  }
}

}  // namespace
}  // namespace plumb
