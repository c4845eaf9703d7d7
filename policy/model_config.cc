#include "policy/model_config.h"

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "policy/yarn.h"

namespace plumb {
namespace {

constexpr char kFile[] = "config.json";
constexpr int64_t kMaxSize = int64_t{1} << 31;

absl::Status Unsupported(absl::string_view key, absl::string_view found, absl::string_view supported) {
  return absl::InvalidArgumentError(
      absl::StrCat(kFile, ": ", key, " is ", found, ", which is not supported; supported: ", supported));
}

// Reads fields one after the other and keeps the first error.
class FieldReader {
 public:
  explicit FieldReader(const Json& object) : object_(object) {}

  bool Has(absl::string_view key) const {
    const auto member = object_.find(std::string(key));
    return member != object_.end() && !member->is_null();
  }
  int64_t Int(absl::string_view key, int64_t minimum) {
    const int64_t value = Keep(JsonInt(object_, key, kFile), minimum);
    if (status_.ok() && (value < minimum || value > kMaxSize)) {
      status_ = absl::InvalidArgumentError(
          absl::StrCat(kFile, ": ", key, " is ", value, ", expected ", minimum, " ... ", kMaxSize));
    }
    return value;
  }
  int64_t IntOr(absl::string_view key, int64_t minimum, int64_t fallback) {
    return Has(key) ? Int(key, minimum) : fallback;
  }
  double DoubleOr(absl::string_view key, double fallback) {
    if (!Has(key)) return fallback;
    const double value = Keep(JsonDouble(object_, key, kFile), fallback);
    if (status_.ok() && (!std::isfinite(value) || value < 0)) {
      status_ = absl::InvalidArgumentError(absl::StrCat(kFile, ": ", key, " is ", value, ", expected at least 0"));
    }
    return value;
  }
  bool BoolOr(absl::string_view key, bool fallback) {
    return Has(key) ? Keep(JsonBool(object_, key, kFile), fallback) : fallback;
  }
  std::string StringOr(absl::string_view key, std::string fallback) {
    return Has(key) ? Keep(JsonString(object_, key, kFile), fallback) : fallback;
  }
  const absl::Status& status() const { return status_; }

 private:
  template <typename T>
  T Keep(absl::StatusOr<T> value, T fallback) {
    if (value.ok()) return *std::move(value);
    if (status_.ok()) status_ = value.status();
    return fallback;
  }

  const Json& object_;
  absl::Status status_;
};

absl::Status RefuseUnsupported(const Json& source) {
  FieldReader read(source);
  if (read.Has("quantization_config")) {
    return Unsupported("quantization_config", "given (quantized weights)", "float32, bfloat16 and float16 weights");
  }
  const std::string activation = read.StringOr("hidden_act", "silu");
  if (activation != "silu") return Unsupported("hidden_act", activation, "silu");
  if (read.BoolOr("mlp_bias", false)) return Unsupported("mlp_bias", "true", "false");
  for (const char* key : {"index_topk", "index_n_heads"}) {
    if (read.Has(key)) return Unsupported(key, "given (sparse attention)", "configurations without it");
  }
  if (read.Has("num_key_value_heads") &&
      read.IntOr("num_key_value_heads", 1, 1) != read.IntOr("num_attention_heads", 1, 1)) {
    return Unsupported("num_key_value_heads", absl::StrCat(read.IntOr("num_key_value_heads", 1, 1)),
                       "the same number as num_attention_heads");
  }
  return read.status();
}

absl::Status ReadFamily(const Json& source, ModelConfig& config) {
  ASSIGN_OR_RETURN(const std::string type, JsonString(source, "model_type", kFile));
  if (type != "deepseek_v2" && type != "deepseek_v3") {
    return Unsupported("model_type", type, "deepseek_v2, deepseek_v3");
  }
  config.family = type == "deepseek_v2" ? ModelFamily::kV2 : ModelFamily::kV3;
  return absl::OkStatus();
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
    return Unsupported("qk_rope_head_dim", absl::StrCat(config.qk_rope_head_dim), "even numbers");
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
    return Unsupported("scoring_func", score, v3 ? "sigmoid for deepseek_v3" : "softmax for deepseek_v2");
  }
  config.gate_score = v3 ? GateScore::kSigmoid : GateScore::kSoftmax;
  if (v3 && selection == "noaux_tc") {
    config.gate_selection = GateSelection::kNoAuxTc;
  } else if (!v3 && selection == "greedy") {
    config.gate_selection = GateSelection::kGreedy;
  } else if (!v3 && selection == "group_limited_greedy") {
    config.gate_selection = GateSelection::kGroupLimitedGreedy;
  } else {
    return Unsupported("topk_method", selection,
                       v3 ? "noaux_tc for deepseek_v3" : "greedy and group_limited_greedy for deepseek_v2");
  }
  return absl::OkStatus();
}

absl::Status CheckGroups(const ModelConfig& config) {
  if (config.num_experts % config.num_groups != 0) {
    return absl::InvalidArgumentError(absl::StrCat(kFile, ": n_routed_experts is ", config.num_experts,
                                                   ", expected a multiple of n_group, ", config.num_groups));
  }
  if (config.groups_per_token > config.num_groups) {
    return absl::InvalidArgumentError(absl::StrCat(kFile, ": topk_group is ", config.groups_per_token,
                                                   ", expected at most n_group, ", config.num_groups));
  }
  const int64_t group_size = config.num_experts / config.num_groups;
  if (config.gate_selection == GateSelection::kNoAuxTc && config.num_groups > 1 && group_size < 2) {
    return absl::InvalidArgumentError(absl::StrCat(kFile, ": n_group is ", config.num_groups,
                                                   ", expected at most half of n_routed_experts, ", config.num_experts,
                                                   ": a group's score is the sum of its two best experts"));
  }
  const int64_t choice =
      config.gate_selection == GateSelection::kGreedy ? config.num_experts : group_size * config.groups_per_token;
  if (config.experts_per_token > choice) {
    return absl::InvalidArgumentError(absl::StrCat(kFile, ": num_experts_per_tok is ", config.experts_per_token,
                                                   ", expected at most ", choice, ", the experts to choose from"));
  }
  return absl::OkStatus();
}

absl::Status ReadExperts(const Json& source, ModelConfig& config) {
  FieldReader read(source);
  config.num_experts = read.IntOr("n_routed_experts", 0, 0);
  if (config.num_experts == 0) return read.status();
  config.moe_intermediate_size = read.Int("moe_intermediate_size", 1);
  config.num_shared_experts = read.IntOr("n_shared_experts", 0, 0);
  config.experts_per_token = read.Int("num_experts_per_tok", 1);
  config.first_dense_layers = read.IntOr("first_k_dense_replace", 0, 0);
  config.moe_layer_freq = read.IntOr("moe_layer_freq", 1, 1);
  config.num_groups = read.IntOr("n_group", 1, 1);
  config.groups_per_token = read.IntOr("topk_group", 1, 1);
  config.norm_topk_prob = read.BoolOr("norm_topk_prob", false);
  config.routed_scaling_factor = read.DoubleOr("routed_scaling_factor", 1.0);
  RETURN_IF_ERROR(read.status());
  RETURN_IF_ERROR(ReadGate(source, config));
  return CheckGroups(config);
}

absl::Status ReadYarn(const Json& scaling, RopeConfig& rope) {
  FieldReader read(scaling);
  rope.yarn = true;
  rope.factor = read.DoubleOr("factor", 1.0);
  rope.original_max_positions = read.Int("original_max_position_embeddings", 1);
  rope.beta_fast = read.DoubleOr("beta_fast", 32.0);
  rope.beta_slow = read.DoubleOr("beta_slow", 1.0);
  rope.mscale = read.DoubleOr("mscale", 0.0);
  rope.mscale_all_dim = read.DoubleOr("mscale_all_dim", 0.0);
  rope.attention_factor = read.DoubleOr("attention_factor", 0.0);
  rope.truncate = read.BoolOr("truncate", true);
  RETURN_IF_ERROR(read.status());
  if (rope.factor < 1.0) {
    return absl::InvalidArgumentError(
        absl::StrCat(kFile, ": rope scaling's factor is ", rope.factor, ", expected at least 1"));
  }
  return absl::OkStatus();
}

// transformers 5 writes one object `rope_parameters`; the hub's files have `rope_theta` and `rope_scaling`.
absl::Status ReadRope(const Json& source, RopeConfig& rope) {
  FieldReader read(source);
  rope.theta = read.DoubleOr("rope_theta", 10000.0);
  rope.interleaved = read.BoolOr("rope_interleave", true);
  const char* key = read.Has("rope_parameters") ? "rope_parameters" : "rope_scaling";
  if (!read.Has(key)) return read.status();
  const Json& scaling = source[key];
  if (!scaling.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(kFile, ": ", key, " is not an object"));
  }
  FieldReader read_scaling(scaling);
  rope.theta = read_scaling.DoubleOr("rope_theta", rope.theta);
  const std::string type = read_scaling.StringOr("rope_type", read_scaling.StringOr("type", "default"));
  RETURN_IF_ERROR(read.status());
  RETURN_IF_ERROR(read_scaling.status());
  if (rope.theta <= 1.0) {
    return absl::InvalidArgumentError(absl::StrCat(kFile, ": rope_theta is ", rope.theta, ", expected more than 1"));
  }
  if (type == "default") return absl::OkStatus();
  if (type != "yarn") return Unsupported(absl::StrCat(key, ".rope_type"), type, "default, yarn");
  return ReadYarn(scaling, rope);
}

absl::Status ReadEosIds(const Json& source, std::vector<int64_t>& ids) {
  if (!FieldReader(source).Has("eos_token_id")) return absl::OkStatus();
  if (source["eos_token_id"].is_array()) {
    ASSIGN_OR_RETURN(ids, JsonInts(source, "eos_token_id", kFile));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const int64_t id, JsonInt(source, "eos_token_id", kFile));
  ids = {id};
  return absl::OkStatus();
}

int64_t AttentionParameters(const ModelConfig& config) {
  const int64_t queries = config.num_heads * config.QkHeadDim();
  const int64_t outputs = config.num_heads * config.v_head_dim;
  int64_t count = config.hidden_size * (config.LatentWidth() + outputs) + config.kv_lora_rank +
                  config.num_heads * (config.qk_nope_head_dim + config.v_head_dim) * config.kv_lora_rank;
  if (config.q_lora_rank == 0) {
    count += queries * config.hidden_size;
  } else {
    count += config.q_lora_rank * (config.hidden_size + 1 + queries);
  }
  if (config.attention_bias) count += config.q_lora_rank + config.LatentWidth() + config.hidden_size;
  return count;
}

int64_t MlpParameters(const ModelConfig& config, int64_t layer) {
  const int64_t per_unit = 3 * config.hidden_size;
  if (!config.IsMoeLayer(layer)) return per_unit * config.intermediate_size;
  const int64_t bias = config.gate_selection == GateSelection::kNoAuxTc ? config.num_experts : 0;
  return per_unit * config.moe_intermediate_size * (config.num_experts + config.num_shared_experts) +
         config.num_experts * config.hidden_size + bias;
}

}  // namespace

absl::StatusOr<ModelConfig> ParseModelConfig(const Json& source) {
  if (!source.is_object()) return absl::InvalidArgumentError(absl::StrCat(kFile, ": expected an object"));
  ModelConfig config;
  config.source = source;
  RETURN_IF_ERROR(ReadFamily(source, config));
  RETURN_IF_ERROR(RefuseUnsupported(source));
  RETURN_IF_ERROR(ReadShapes(source, config));
  RETURN_IF_ERROR(ReadExperts(source, config));
  RETURN_IF_ERROR(ReadRope(source, config.rope));
  RETURN_IF_ERROR(ReadEosIds(source, config.eos_ids));
  return config;
}

double SoftmaxScale(const ModelConfig& config) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(config.QkHeadDim()));
  if (!config.rope.yarn || config.rope.mscale_all_dim == 0.0) return scale;
  const double mscale = YarnMscale(config.rope.factor, config.rope.mscale_all_dim);
  return scale * mscale * mscale;
}

int64_t NumParameters(const ModelConfig& config) {
  int64_t count = config.vocab_size * config.hidden_size * (config.tie_word_embeddings ? 1 : 2) + config.hidden_size;
  for (int64_t layer = 0; layer < config.num_layers; ++layer) {
    count += AttentionParameters(config) + MlpParameters(config, layer) + 2 * config.hidden_size;
  }
  return count;
}

}  // namespace plumb
