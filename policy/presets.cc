#include "policy/presets.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace plumb {
namespace {

constexpr int64_t kVocabMultiple = 16;

struct Preset {
  const char* name;
  const char* config;  // everything but the vocabulary
};

// Model P has the proportions of V2-Lite at a size that a CPU can measure; model T fits a large last-level cache.
constexpr Preset kPresets[] = {
    {"tiny-demo", R"({
      "architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3", "hidden_act": "silu",
      "hidden_size": 128, "intermediate_size": 256, "moe_intermediate_size": 64, "num_hidden_layers": 3,
      "num_attention_heads": 4, "num_key_value_heads": 4, "q_lora_rank": 64, "kv_lora_rank": 32,
      "qk_nope_head_dim": 32, "qk_rope_head_dim": 16, "v_head_dim": 32, "n_routed_experts": 8, "n_shared_experts": 1,
      "num_experts_per_tok": 2, "n_group": 1, "topk_group": 1, "topk_method": "noaux_tc", "scoring_func": "sigmoid",
      "norm_topk_prob": true, "routed_scaling_factor": 1.0, "first_k_dense_replace": 1, "moe_layer_freq": 1,
      "attention_bias": false, "attention_dropout": 0.0, "initializer_range": 0.05, "rms_norm_eps": 1e-06,
      "rope_theta": 10000.0, "rope_scaling": null, "max_position_embeddings": 1024, "num_nextn_predict_layers": 0,
      "tie_word_embeddings": false, "torch_dtype": "float32", "use_cache": true})"},
    {"bench-t", R"({
      "architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3", "hidden_act": "silu",
      "hidden_size": 256, "intermediate_size": 688, "moe_intermediate_size": 128, "num_hidden_layers": 6,
      "num_attention_heads": 8, "num_key_value_heads": 8, "q_lora_rank": null, "kv_lora_rank": 64,
      "qk_nope_head_dim": 32, "qk_rope_head_dim": 16, "v_head_dim": 32, "n_routed_experts": 16,
      "n_shared_experts": 1, "num_experts_per_tok": 4, "n_group": 1, "topk_group": 1, "topk_method": "noaux_tc",
      "scoring_func": "sigmoid", "norm_topk_prob": true, "routed_scaling_factor": 1.0, "first_k_dense_replace": 1,
      "moe_layer_freq": 1, "attention_bias": false, "attention_dropout": 0.0, "initializer_range": 0.02,
      "rms_norm_eps": 1e-06, "rope_theta": 10000.0, "rope_scaling": null, "max_position_embeddings": 4096,
      "num_nextn_predict_layers": 0, "tie_word_embeddings": false, "torch_dtype": "float32", "use_cache": true})"},
    {"bench-p", R"({
      "architectures": ["DeepseekV2ForCausalLM"], "model_type": "deepseek_v2", "hidden_act": "silu",
      "hidden_size": 512, "intermediate_size": 1408, "moe_intermediate_size": 192, "num_hidden_layers": 27,
      "num_attention_heads": 4, "num_key_value_heads": 4, "q_lora_rank": null, "kv_lora_rank": 512,
      "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "n_routed_experts": 64,
      "n_shared_experts": 2, "num_experts_per_tok": 6, "n_group": 1, "topk_group": 1, "topk_method": "greedy",
      "scoring_func": "softmax", "norm_topk_prob": false, "routed_scaling_factor": 1.0, "first_k_dense_replace": 1,
      "moe_layer_freq": 1, "attention_bias": false, "attention_dropout": 0.0, "initializer_range": 0.02,
      "rms_norm_eps": 1e-06, "rope_theta": 10000.0, "rope_scaling": null, "max_position_embeddings": 4096,
      "tie_word_embeddings": false, "torch_dtype": "float32", "use_cache": true})"},
    {"v2-lite", R"({
      "architectures": ["DeepseekV2ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
      "aux_loss_alpha": 0.001, "first_k_dense_replace": 1, "hidden_act": "silu", "hidden_size": 2048,
      "initializer_range": 0.02, "intermediate_size": 10944, "kv_lora_rank": 512, "max_position_embeddings": 163840,
      "model_type": "deepseek_v2", "moe_intermediate_size": 1408, "moe_layer_freq": 1, "n_group": 1,
      "n_routed_experts": 64, "n_shared_experts": 2, "norm_topk_prob": false, "num_attention_heads": 16,
      "num_experts_per_tok": 6, "num_hidden_layers": 27, "num_key_value_heads": 16, "pretraining_tp": 1,
      "q_lora_rank": null, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "rms_norm_eps": 1e-06,
      "rope_scaling": {"beta_fast": 32, "beta_slow": 1, "factor": 40, "mscale": 0.707, "mscale_all_dim": 0.707,
                       "original_max_position_embeddings": 4096, "type": "yarn"},
      "rope_theta": 10000, "routed_scaling_factor": 1.0, "scoring_func": "softmax", "seq_aux": true,
      "tie_word_embeddings": false, "topk_group": 1, "topk_method": "greedy", "torch_dtype": "bfloat16",
      "use_cache": true, "v_head_dim": 128})"},
};

}  // namespace

std::vector<std::string> PresetNames() {
  std::vector<std::string> names;
  for (const Preset& preset : kPresets) names.push_back(preset.name);
  return names;
}

absl::StatusOr<Json> PresetConfig(const std::string& name, int64_t vocab_size, int64_t bos_id, int64_t eos_id) {
  if (vocab_size < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("preset ", name, ": vocab_size is ", vocab_size, ", expected 1 or more"));
  }
  for (const Preset& preset : kPresets) {
    if (name != preset.name) continue;
    absl::StatusOr<Json> config = ParseJson(preset.config, preset.name);
    if (!config.ok()) return config.status();
    (*config)["vocab_size"] = (vocab_size + kVocabMultiple - 1) / kVocabMultiple * kVocabMultiple;
    (*config)["bos_token_id"] = bos_id >= 0 ? Json(bos_id) : Json();
    (*config)["eos_token_id"] = eos_id >= 0 ? Json(eos_id) : Json();
    return config;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no preset '", name, "'; presets: ", absl::StrJoin(PresetNames(), ", ")));
}

}  // namespace plumb
