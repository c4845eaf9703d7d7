#include "policy/model_config.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "policy/config/model_config_fields.h"
#include "policy/config/model_config_rope.h"
#include "policy/yarn.h"

namespace plumb {
namespace {

constexpr int64_t kFp8BlockSize = 128;

// Some ten times what Kimi-K2 has: a configuration of a few bytes must not ask for gigabytes of names.
constexpr int64_t kMaxExpertMatrices = int64_t{1} << 20;

// Where the checkpoint was quantized: how its scales were made is a fact of the file, the activations' scheme is one of
// an inference engine.
constexpr absl::string_view kQuantizationFields[] = {"quant_method",      "fmt",       "activation_scheme",
                                                     "weight_block_size", "scale_fmt", "modules_to_not_convert",
                                                     "dequantize"};

absl::Status CheckPlainModules(const Json& quantization) {
  constexpr char kKey[] = "modules_to_not_convert";
  if (!FieldReader(quantization).Has(kKey)) return absl::OkStatus();
  const Json& given = quantization[kKey];
  const bool names = given.is_array() &&
                     std::all_of(given.begin(), given.end(), [](const Json& module) { return module.is_string(); });
  if (names) return absl::OkStatus();
  return UnsupportedField(absl::StrCat("quantization_config.", kKey), DumpJson(given), "a list of names");
}

absl::Status ReadQuantization(const Json& source, QuantizationConfig& quantization) {
  if (!FieldReader(source).Has("quantization_config")) return absl::OkStatus();
  const Json& given = source["quantization_config"];
  if (!given.is_object()) return UnsupportedField("quantization_config", DumpJson(given), "an object");
  FieldReader read(given);
  const std::string method = read.StringOr("quant_method", "");
  const std::string format = read.StringOr("fmt", "e4m3");
  const std::string scheme = read.StringOr("activation_scheme", "dynamic");
  const std::string scales = read.StringOr("scale_fmt", "float");
  RETURN_IF_ERROR(read.status());
  if (method != "fp8") return UnsupportedField("quantization_config.quant_method", method, "fp8");
  if (format != "e4m3") return UnsupportedField("quantization_config.fmt", format, "e4m3");
  if (scheme != "dynamic") return UnsupportedField("quantization_config.activation_scheme", scheme, "dynamic");
  if (scales != "float" && scales != "ue8m0") {
    return UnsupportedField("quantization_config.scale_fmt", scales, "ue8m0, or none");
  }
  for (const auto& [key, value] : given.items()) {
    const bool known =
        std::find(std::begin(kQuantizationFields), std::end(kQuantizationFields), key) != std::end(kQuantizationFields);
    if (!known && !value.is_null()) {
      return UnsupportedField(absl::StrCat("quantization_config.", key), DumpJson(value), "FP8 blocks without it");
    }
  }
  ASSIGN_OR_RETURN(const std::vector<int64_t> block,
                   JsonInts(given, "weight_block_size", "config.json: quantization_config"));
  if (block != std::vector<int64_t>{kFp8BlockSize, kFp8BlockSize}) {
    return UnsupportedField("quantization_config.weight_block_size", DumpJson(given["weight_block_size"]),
                            "[128, 128]");
  }
  quantization.fp8_blocks = true;
  quantization.power_of_two_scales = scales == "ue8m0";
  RETURN_IF_ERROR(CheckPlainModules(given));
  return absl::OkStatus();
}

constexpr char kFamilies[] = "deepseek_v2, deepseek_v3, kimi_k2";

// Kimi-K2 is V3's architecture under a name of its own.
absl::Status ReadFamily(const Json& source, ModelConfig& config) {
  ASSIGN_OR_RETURN(const std::string type, JsonString(source, "model_type", kConfigFile));
  if (type == "deepseek_v32") {
    return UnsupportedField("model_type", "deepseek_v32 (DeepSeek-V3.2: sparse attention with an indexer)", kFamilies);
  }
  if (type != "deepseek_v2" && type != "deepseek_v3" && type != "kimi_k2") {
    return UnsupportedField("model_type", type, kFamilies);
  }
  config.family = type == "deepseek_v2" ? ModelFamily::kV2 : ModelFamily::kV3;
  if (!FieldReader(source).Has("architectures")) return absl::OkStatus();
  const Json& architectures = source["architectures"];
  const std::string expected = config.family == ModelFamily::kV2 ? "DeepseekV2ForCausalLM" : "DeepseekV3ForCausalLM";
  if (architectures.is_array() && (architectures.empty() || architectures[0] == expected)) return absl::OkStatus();
  return UnsupportedField("architectures", DumpJson(architectures), absl::StrCat("[\"", expected, "\"]"));
}

// transformers maps these attribute names to n_routed_experts; a file may hold either.
absl::StatusOr<int64_t> NumRoutedExperts(const Json& source) {
  FieldReader read(source);
  const int64_t experts = read.IntOr("n_routed_experts", 0, 0);
  for (const char* alias : {"num_experts", "num_local_experts"}) {
    const int64_t given = read.IntOr(alias, 0, experts);
    if (read.Has("n_routed_experts") && given != experts) {
      return UnsupportedField(alias, absl::StrCat(given), absl::StrCat("n_routed_experts, ", experts));
    }
    RETURN_IF_ERROR(read.status());
    if (!read.Has("n_routed_experts") && read.Has(alias)) return given;
  }
  return experts;
}

absl::Status ReadShapes(const Json& source, ModelConfig& config) {
  FieldReader read(source);
  config.vocab_size = read.Int("vocab_size", 1);
  config.hidden_size = read.Int("hidden_size", 1);
  config.num_layers = read.Int("num_hidden_layers", 1);
  config.num_heads = read.Int("num_attention_heads", 1);
  config.q_lora_rank = read.IntOr("q_lora_rank", 0, 0);
  config.kv_lora_rank = read.Int("kv_lora_rank", 1);
  config.qk_nope_head_dim = read.Int("qk_nope_head_dim", 1);
  config.qk_rope_head_dim = read.Int("qk_rope_head_dim", 2);
  config.v_head_dim = read.Int("v_head_dim", 1);
  config.intermediate_size = read.Int("intermediate_size", 1);
  config.max_positions = read.Int("max_position_embeddings", 1);
  config.rms_norm_eps = read.DoubleOr("rms_norm_eps", 1e-6);
  config.attention_bias = read.BoolOr("attention_bias", false);
  config.tie_word_embeddings = read.BoolOr("tie_word_embeddings", false);
  config.num_mtp_layers = read.IntOr("num_nextn_predict_layers", 0, 0);
  config.initializer_range = read.DoubleOr("initializer_range", 0.02);
  RETURN_IF_ERROR(read.status());
  if (config.qk_rope_head_dim % 2 != 0) {
    return UnsupportedField("qk_rope_head_dim", absl::StrCat(config.qk_rope_head_dim), "even numbers");
  }
  return absl::OkStatus();
}

absl::Status ReadGate(const Json& source, ModelConfig& config) {
  const bool v3 = config.family == ModelFamily::kV3;
  FieldReader read(source);
  const std::string score = read.StringOr("scoring_func", v3 ? "sigmoid" : "softmax");
  const std::string selection = read.StringOr("topk_method", v3 ? "noaux_tc" : "greedy");
  RETURN_IF_ERROR(read.status());
  if (score != (v3 ? "sigmoid" : "softmax")) {
    return UnsupportedField("scoring_func", score, v3 ? "sigmoid for deepseek_v3" : "softmax for deepseek_v2");
  }
  config.gate_score = v3 ? GateScore::kSigmoid : GateScore::kSoftmax;
  if (v3 && selection == "noaux_tc") {
    config.gate_selection = GateSelection::kNoAuxTc;
  } else if (!v3 && selection == "greedy") {
    config.gate_selection = GateSelection::kGreedy;
  } else if (!v3 && selection == "group_limited_greedy") {
    config.gate_selection = GateSelection::kGroupLimitedGreedy;
  } else {
    return UnsupportedField("topk_method", selection,
                            v3 ? "noaux_tc for deepseek_v3" : "greedy and group_limited_greedy for deepseek_v2");
  }
  return absl::OkStatus();
}

absl::Status CheckGroups(const ModelConfig& config) {
  if (config.num_experts % config.num_groups != 0) {
    return absl::InvalidArgumentError(absl::StrCat(kConfigFile, ": n_routed_experts is ", config.num_experts,
                                                   ", expected a multiple of n_group, ", config.num_groups));
  }
  if (config.groups_per_token > config.num_groups) {
    return absl::InvalidArgumentError(absl::StrCat(kConfigFile, ": topk_group is ", config.groups_per_token,
                                                   ", expected at most n_group, ", config.num_groups));
  }
  const int64_t group_size = config.num_experts / config.num_groups;
  if (config.gate_selection == GateSelection::kNoAuxTc && config.num_groups > 1 && group_size < 2) {
    return absl::InvalidArgumentError(absl::StrCat(kConfigFile, ": n_group is ", config.num_groups,
                                                   ", expected at most half of n_routed_experts, ", config.num_experts,
                                                   ": a group's score is the sum of its two best experts"));
  }
  const int64_t choice =
      config.gate_selection == GateSelection::kGreedy ? config.num_experts : group_size * config.groups_per_token;
  if (config.experts_per_token > choice) {
    return absl::InvalidArgumentError(absl::StrCat(kConfigFile, ": num_experts_per_tok is ", config.experts_per_token,
                                                   ", expected at most ", choice, ", the experts to choose from"));
  }
  return absl::OkStatus();
}

absl::Status CheckNumExperts(const ModelConfig& config) {
  int64_t layers = 0;
  for (int64_t layer = 0; layer < config.num_layers + config.num_mtp_layers; ++layer) {
    layers += config.IsMoeLayer(layer) ? 1 : 0;
  }
  const int64_t matrices = 3 * layers * config.num_experts;
  if (matrices <= kMaxExpertMatrices) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(kConfigFile, ": n_routed_experts is ", config.num_experts, ", in ",
                                                 layers, " layers: ", matrices,
                                                 " matrices of experts, expected at most ", kMaxExpertMatrices));
}

absl::Status ReadExperts(const Json& source, ModelConfig& config) {
  FieldReader read(source);
  ASSIGN_OR_RETURN(config.num_experts, NumRoutedExperts(source));
  if (config.num_experts == 0) return read.status();
  config.moe_intermediate_size = read.Int("moe_intermediate_size", 1);
  config.num_shared_experts = read.IntOr("n_shared_experts", 0, 0);
  config.experts_per_token = read.Int("num_experts_per_tok", 1);
  config.first_dense_layers = read.IntOr("first_k_dense_replace", 0, 0);
  config.moe_layer_freq = read.IntOr("moe_layer_freq", 1, 1);
  config.num_groups = read.IntOr("n_group", 1, 1);
  config.groups_per_token = read.IntOr("topk_group", 1, 1);
  // CheckGivenFields has seen to V3; both codes take these for V2.
  config.norm_topk_prob = read.BoolOr("norm_topk_prob", false);
  config.routed_scaling_factor = read.DoubleOr("routed_scaling_factor", 1.0);
  RETURN_IF_ERROR(read.status());
  if (config.routed_scaling_factor == 0.0) {
    return UnsupportedField("routed_scaling_factor", "0 (no expert would count)", "numbers above 0");
  }
  RETURN_IF_ERROR(ReadGate(source, config));
  RETURN_IF_ERROR(CheckNumExperts(config));
  return CheckGroups(config);
}

// The ids under a key: one, a list, or none.
absl::StatusOr<std::vector<int64_t>> ReadTokenIds(const Json& source, const char* key, int64_t vocab_size) {
  std::vector<int64_t> ids;
  if (!FieldReader(source).Has(key)) return ids;
  if (source[key].is_array()) {
    ASSIGN_OR_RETURN(ids, JsonInts(source, key, kConfigFile));
  } else {
    ASSIGN_OR_RETURN(const int64_t id, JsonInt(source, key, kConfigFile));
    ids = {id};
  }
  for (const int64_t id : ids) {
    if (id >= 0 && id < vocab_size) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(kConfigFile, ": ", key, " is ", id, ", expected 0 ... ", vocab_size - 1, ", the vocabulary"));
  }
  return ids;
}

}  // namespace

absl::StatusOr<ModelConfig> ParseModelConfig(const Json& source) {
  if (!source.is_object()) return absl::InvalidArgumentError(absl::StrCat(kConfigFile, ": expected an object"));
  ModelConfig config;
  config.source = source;
  RETURN_IF_ERROR(ReadFamily(source, config));
  // Together, so that a field that is not known hides none that is missing.
  RETURN_IF_ERROR(JoinErrors({CheckKnownFields(source), CheckGivenFields(source), ReadShapes(source, config)}));
  RETURN_IF_ERROR(CheckSupportedValues(source));
  RETURN_IF_ERROR(ReadQuantization(source, config.quantization));
  RETURN_IF_ERROR(ReadExperts(source, config));
  ASSIGN_OR_RETURN(config.rope, ReadRope(source));
  RETURN_IF_ERROR(ReadTokenIds(source, "bos_token_id", config.vocab_size).status());
  ASSIGN_OR_RETURN(config.eos_ids, ReadTokenIds(source, "eos_token_id", config.vocab_size));
  return config;
}

double SoftmaxScale(const ModelConfig& config) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(config.QkHeadDim()));
  if (!config.rope.yarn || config.rope.mscale_all_dim == 0.0) return scale;
  const double mscale = YarnMscale(config.rope.factor, config.rope.mscale_all_dim);
  return scale * mscale * mscale;
}

}  // namespace plumb
