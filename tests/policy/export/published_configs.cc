#include "tests/policy/export/published_configs.h"

#include <cstdlib>

namespace plumb::testing {
namespace {

// What all have in common.
constexpr char kCommon[] = R"({
  "attention_bias": false, "attention_dropout": 0.0, "ep_size": 1, "first_k_dense_replace": 1, "hidden_act": "silu",
  "initializer_range": 0.02, "kv_lora_rank": 512, "moe_layer_freq": 1, "n_group": 1, "pretraining_tp": 1,
  "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "rms_norm_eps": 1e-06, "rope_theta": 10000,
  "tie_word_embeddings": false, "topk_group": 1, "torch_dtype": "bfloat16", "transformers_version": "4.33.1",
  "use_cache": true, "v_head_dim": 128})";

constexpr char kV2[] = R"({
  "architectures": ["DeepseekV2ForCausalLM"], "model_type": "deepseek_v2", "aux_loss_alpha": 0.001, "seq_aux": true,
  "auto_map": {"AutoConfig": "configuration_deepseek.DeepseekV2Config"}, "bos_token_id": 100000,
  "eos_token_id": 100001, "hidden_size": 5120, "intermediate_size": 12288, "max_position_embeddings": 163840,
  "moe_intermediate_size": 1536, "n_group": 8, "n_routed_experts": 160, "n_shared_experts": 2, "norm_topk_prob": false,
  "num_attention_heads": 128, "num_experts_per_tok": 6, "num_hidden_layers": 60, "num_key_value_heads": 128,
  "q_lora_rank": 1536, "routed_scaling_factor": 16.0, "scoring_func": "softmax", "topk_group": 3,
  "topk_method": "group_limited_greedy", "vocab_size": 102400,
  "rope_scaling": {"beta_fast": 32, "beta_slow": 1, "factor": 40, "mscale": 0.707, "mscale_all_dim": 0.707,
                   "original_max_position_embeddings": 4096, "type": "yarn"}})";

constexpr char kV2Lite[] = R"({
  "hidden_size": 2048, "intermediate_size": 10944, "moe_intermediate_size": 1408, "n_group": 1, "n_routed_experts": 64,
  "num_attention_heads": 16, "num_hidden_layers": 27, "num_key_value_heads": 16, "q_lora_rank": null,
  "routed_scaling_factor": 1.0, "topk_group": 1, "topk_method": "greedy"})";

constexpr char kV3[] = R"({
  "architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3",
  "auto_map": {"AutoConfig": "configuration_deepseek.DeepseekV3Config"}, "bos_token_id": 0, "eos_token_id": 1,
  "first_k_dense_replace": 3, "hidden_size": 7168, "intermediate_size": 18432, "max_position_embeddings": 163840,
  "moe_intermediate_size": 2048, "n_group": 8, "n_routed_experts": 256, "n_shared_experts": 1, "norm_topk_prob": true,
  "num_attention_heads": 128, "num_experts_per_tok": 8, "num_hidden_layers": 61, "num_key_value_heads": 128,
  "num_nextn_predict_layers": 1, "q_lora_rank": 1536, "routed_scaling_factor": 2.5, "scoring_func": "sigmoid",
  "topk_group": 4, "topk_method": "noaux_tc", "vocab_size": 129280,
  "quantization_config": {"activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8",
                          "weight_block_size": [128, 128]},
  "rope_scaling": {"beta_fast": 32, "beta_slow": 1, "factor": 40, "mscale": 1.0, "mscale_all_dim": 1.0,
                   "original_max_position_embeddings": 4096, "type": "yarn"}})";

constexpr char kMoonlight[] = R"({
  "aux_loss_alpha": 0.001, "seq_aux": true, "bos_token_id": 163584, "eos_token_id": 163585, "first_k_dense_replace": 1,
  "hidden_size": 2048, "intermediate_size": 11264, "max_position_embeddings": 8192, "moe_intermediate_size": 1408,
  "n_group": 1, "n_routed_experts": 64, "n_shared_experts": 2, "num_attention_heads": 16, "num_experts_per_tok": 6,
  "num_hidden_layers": 27, "num_key_value_heads": 16, "num_nextn_predict_layers": 0, "q_lora_rank": null,
  "rms_norm_eps": 1e-05, "rope_scaling": null, "rope_theta": 50000, "routed_scaling_factor": 2.446, "topk_group": 1,
  "vocab_size": 163840, "quantization_config": null})";

constexpr char kKimiK2[] = R"({
  "model_type": "kimi_k2", "aux_loss_alpha": 0.001, "seq_aux": true, "bos_token_id": 163584, "eos_token_id": 163585,
  "first_k_dense_replace": 1, "max_position_embeddings": 131072, "n_group": 1, "n_routed_experts": 384,
  "num_attention_heads": 64, "num_key_value_heads": 64, "num_nextn_predict_layers": 0, "rope_theta": 50000.0,
  "routed_scaling_factor": 2.827, "topk_group": 1, "vocab_size": 163840,
  "rope_scaling": {"beta_fast": 1.0, "beta_slow": 1.0, "factor": 32.0, "mscale": 1.0, "mscale_all_dim": 1.0,
                   "original_max_position_embeddings": 4096, "type": "yarn"}})";

// A layout as changes to another one.
struct Layout {
  const char* name;
  const char* base;  // null: kCommon
  const char* changes;
};
constexpr Layout kLayouts[] = {
    {"v2", nullptr, kV2},
    {"v2-lite", "v2", kV2Lite},
    {"v3", nullptr, kV3},
    {"v3.1", "v3", R"({"quantization_config": {"activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8",
                       "scale_fmt": "ue8m0", "weight_block_size": [128, 128]}})"},
    {"moonlight", "v3", kMoonlight},
    {"kimi-k2", "v3", kKimiK2},
};

}  // namespace

std::vector<std::string> PublishedConfigNames() {
  std::vector<std::string> names;
  for (const Layout& layout : kLayouts) names.push_back(layout.name);
  return names;
}

Json PublishedConfig(const std::string& name) {
  for (const Layout& layout : kLayouts) {
    if (name != layout.name) continue;
    Json config = layout.base == nullptr ? Json::parse(kCommon) : PublishedConfig(layout.base);
    config.update(Json::parse(layout.changes));
    return config;
  }
  std::abort();
}

}  // namespace plumb::testing
