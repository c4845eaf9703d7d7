#include "policy/model_config.h"

#include <gtest/gtest.h>

#include "policy/presets.h"
#include "tests/policy/export/published_configs.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::testing::ElementsAre;
using testing::GoldenPath;
using ::testing::HasSubstr;
using testing::MustReadJson;
using testing::PublishedConfig;
using testing::StatusIs;

Json Published(const std::string& model) { return MustReadJson(GoldenPath("models/" + model + "/config.json")); }

// A preset whose `key` is replaced.
absl::Status StatusWith(const std::string& key, const Json& value) {
  Json config = *PresetConfig("tiny-demo", 64, 0, 1);
  config[key] = value;
  return ParseModelConfig(config).status();
}

TEST(ModelConfigTest, ReadsTheHubsSpelling) {
  ASSERT_OK_AND_ASSIGN(const ModelConfig config, ParseModelConfig(Published("v3_fp32")));
  EXPECT_EQ(config.family, ModelFamily::kV3);
  EXPECT_EQ(config.q_lora_rank, 32);
  EXPECT_EQ(config.num_groups, 4);
  EXPECT_EQ(config.gate_selection, GateSelection::kNoAuxTc);
  EXPECT_TRUE(config.rope.yarn);
  EXPECT_EQ(config.rope.theta, 10000.0);
  EXPECT_EQ(config.rope.original_max_positions, 64);
  EXPECT_THAT(config.eos_ids, ElementsAre(1));
}

TEST(ModelConfigTest, ReadsTheSpellingOfTransformersFive) {
  ASSERT_OK_AND_ASSIGN(const ModelConfig config, ParseModelConfig(Published("v2_fp32")));
  EXPECT_EQ(config.family, ModelFamily::kV2);
  EXPECT_EQ(config.gate_score, GateScore::kSoftmax);
  EXPECT_EQ(config.gate_selection, GateSelection::kGroupLimitedGreedy);
  EXPECT_TRUE(config.rope.yarn);
  EXPECT_EQ(config.rope.factor, 40.0);
  EXPECT_EQ(config.rope.mscale, 0.707);
}

TEST(ModelConfigTest, NullsMeanAbsentAndEosMayBeAList) {
  ASSERT_OK_AND_ASSIGN(const ModelConfig config, ParseModelConfig(Published("v3_norope_fp32")));
  EXPECT_EQ(config.q_lora_rank, 0);
  EXPECT_FALSE(config.rope.yarn);
  EXPECT_EQ(config.rope.theta, 50000.0);
  EXPECT_THAT(config.eos_ids, ElementsAre(6, 7));
}

TEST(ModelConfigTest, MoeLayersFollowTheDenseOnes) {
  ASSERT_OK_AND_ASSIGN(const ModelConfig config, ParseModelConfig(Published("v3_sharded_bf16")));
  EXPECT_FALSE(config.IsMoeLayer(1));
  EXPECT_TRUE(config.IsMoeLayer(2));
}

TEST(ModelConfigTest, RefusesWhatIsNotSupportedByName) {
  const auto invalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(StatusWith("quantization_config", {{"quant_method", "gptq"}}),
              StatusIs(invalid, HasSubstr("quantization_config.quant_method is gptq")));
  EXPECT_THAT(StatusWith("model_type", "llama"), StatusIs(invalid, HasSubstr("model_type is llama")));
  EXPECT_THAT(StatusWith("hidden_act", "gelu"), StatusIs(invalid, HasSubstr("hidden_act is gelu")));
  EXPECT_THAT(StatusWith("topk_method", "greedy"), StatusIs(invalid, HasSubstr("topk_method is greedy")));
  EXPECT_THAT(StatusWith("scoring_func", "softmax"), StatusIs(invalid, HasSubstr("scoring_func is softmax")));
  EXPECT_THAT(StatusWith("mlp_bias", true), StatusIs(invalid, HasSubstr("mlp_bias")));
  EXPECT_THAT(StatusWith("num_key_value_heads", 2), StatusIs(invalid, HasSubstr("num_key_value_heads is 2")));
  EXPECT_THAT(StatusWith("rope_scaling", {{"type", "linear"}, {"factor", 2.0}}),
              StatusIs(invalid, HasSubstr("rope_scaling.rope_type is linear")));
}

TEST(ModelConfigTest, ErrorsNameTheField) {
  const auto invalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(StatusWith("hidden_size", "128"), StatusIs(invalid, HasSubstr("hidden_size")));
  EXPECT_THAT(StatusWith("hidden_size", 0), StatusIs(invalid, HasSubstr("hidden_size is 0")));
  EXPECT_THAT(StatusWith("kv_lora_rank", Json()), StatusIs(invalid, HasSubstr("kv_lora_rank")));
  EXPECT_THAT(StatusWith("hidden_size", 1.5), StatusIs(invalid, HasSubstr("hidden_size is 1.5, expected an integer")));
  EXPECT_THAT(StatusWith("n_group", 3), StatusIs(invalid, HasSubstr("n_routed_experts is 8")));
  EXPECT_THAT(StatusWith("topk_group", 2), StatusIs(invalid, HasSubstr("topk_group is 2")));
  EXPECT_THAT(StatusWith("num_experts_per_tok", 9), StatusIs(invalid, HasSubstr("num_experts_per_tok is 9")));
  EXPECT_THAT(StatusWith("qk_rope_head_dim", 15), StatusIs(invalid, HasSubstr("qk_rope_head_dim is 15")));
}

// Each of these would overflow a product of sizes, or ask for a table or a loop without end.
TEST(ModelConfigFaultTest, SizesBeyondReasonAreRefused) {
  const auto invalid = absl::StatusCode::kInvalidArgument;
  for (const char* key :
       {"vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "kv_lora_rank",
        "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim", "num_nextn_predict_layers", "moe_intermediate_size",
        "n_routed_experts", "n_shared_experts"}) {
    EXPECT_THAT(StatusWith(key, int64_t{1} << 30), StatusIs(invalid, HasSubstr(key))) << key;
    EXPECT_THAT(StatusWith(key, INT64_MAX), StatusIs(invalid, HasSubstr(key))) << key;
    EXPECT_THAT(StatusWith(key, UINT64_MAX), StatusIs(invalid, HasSubstr(key))) << key;
    EXPECT_THAT(StatusWith(key, -1), StatusIs(invalid, HasSubstr(key))) << key;
  }
}

// Reference values: (Dn + Dr)^-0.5 times YaRN's mscale squared. The parameter totals stand in model_size_test.cc.
TEST(ModelConfigGoldenTest, SoftmaxScaleOfPublishedShapes) {
  const auto scale = [](const std::string& name) { return SoftmaxScale(*ParseModelConfig(PublishedConfig(name))); };
  EXPECT_NEAR(scale("v2"), 0.11472138679293, 1e-13);
  EXPECT_NEAR(scale("v2-lite"), 0.11472138679293, 1e-13);
  EXPECT_NEAR(scale("v3"), 0.13523377886086, 1e-13);
  EXPECT_NEAR(scale("kimi-k2"), 0.13086079996295, 1e-13);
  EXPECT_NEAR(scale("moonlight"), 0.07216878364870, 1e-13);
}

}  // namespace
}  // namespace plumb
