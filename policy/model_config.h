#ifndef PLUMB_POLICY_MODEL_CONFIG_H_
#define PLUMB_POLICY_MODEL_CONFIG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"

namespace plumb {

enum class ModelFamily { kV2, kV3 };
enum class GateScore { kSoftmax, kSigmoid };
enum class GateSelection { kGreedy, kGroupLimitedGreedy, kNoAuxTc };

// YaRN; `factor` 1 with `enabled` false is plain RoPE. Source: arXiv:2309.00071 and config.json's rope_scaling.
struct RopeConfig {
  double theta = 10000.0;
  bool yarn = false;
  double factor = 1.0;
  int64_t original_max_positions = 4096;
  double beta_fast = 32.0;
  double beta_slow = 1.0;
  double mscale = 0.0;
  double mscale_all_dim = 0.0;
  double attention_factor = 0.0;  // 0: not given
  bool truncate = true;
  bool interleaved = true;  // layout of the rotary halves in the checkpoint
};

// How the folder's weights are stored, where that is not plain: FP8 blocks of 128 x 128 (checkpoint/fp8_blocks.h).
struct QuantizationConfig {
  bool fp8_blocks = false;
  bool power_of_two_scales = false;  // scale_fmt "ue8m0", as in DeepSeek-V3.1
};

// A DeepSeek-V2 or V3 architecture. Letters: D, H, Dn, Dr, Dv, Rq, Rkv, E, K, V of ARCHITECTURE.md.
struct ModelConfig {
  ModelFamily family = ModelFamily::kV3;
  int64_t vocab_size = 0;   // V
  int64_t hidden_size = 0;  // D
  int64_t num_layers = 0;
  int64_t num_heads = 0;          // H
  int64_t q_lora_rank = 0;        // Rq; 0: queries have no latent
  int64_t kv_lora_rank = 0;       // Rkv
  int64_t qk_nope_head_dim = 0;   // Dn
  int64_t qk_rope_head_dim = 0;   // Dr
  int64_t v_head_dim = 0;         // Dv
  int64_t intermediate_size = 0;  // of dense layers
  int64_t moe_intermediate_size = 0;
  int64_t num_experts = 0;  // E; 0: all layers are dense
  int64_t num_shared_experts = 0;
  int64_t experts_per_token = 0;  // K
  int64_t first_dense_layers = 0;
  int64_t moe_layer_freq = 1;
  int64_t num_groups = 1;
  int64_t groups_per_token = 1;
  GateScore gate_score = GateScore::kSigmoid;
  GateSelection gate_selection = GateSelection::kNoAuxTc;
  bool norm_topk_prob = false;
  double routed_scaling_factor = 1.0;
  double rms_norm_eps = 1e-6;
  bool attention_bias = false;
  bool mlp_bias = false;
  bool tie_word_embeddings = false;
  int64_t max_positions = 0;
  int64_t num_mtp_layers = 0;
  double initializer_range = 0.02;
  RopeConfig rope;
  QuantizationConfig quantization;
  std::vector<int64_t> eos_ids;
  Json source;  // config.json as it was read: what is written back

  bool IsMoeLayer(int64_t layer) const {
    return num_experts > 0 && layer >= first_dense_layers && layer % moe_layer_freq == 0;
  }
  // Numbers per token and layer in the cache: Rkv + Dr.
  int64_t LatentWidth() const { return kv_lora_rank + qk_rope_head_dim; }
  int64_t QkHeadDim() const { return qk_nope_head_dim + qk_rope_head_dim; }
};

// Reads config.json of the DeepSeek-V2 and V3 families (V2, V2-Lite, Coder-V2, V2.5; V3, R1, V3.1, Moonlight, Kimi-K2),
// in the hub's and in transformers 5's spelling. All of it is kept in `source`.
// Errors: kInvalidArgument naming the field: missing, of a wrong type, out of range, a value that is not supported
// (another model_type, quantization or rope type), or a field that is not known and could change the numbers.
absl::StatusOr<ModelConfig> ParseModelConfig(const Json& config);

// The softmax scale: (Dn + Dr)^-0.5, times the square of YaRN's mscale where mscale_all_dim is given.
double SoftmaxScale(const ModelConfig& config);

}  // namespace plumb

#endif  // PLUMB_POLICY_MODEL_CONFIG_H_
