#include "policy/config/model_config_fields.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"

namespace plumb {
namespace {

constexpr int64_t kMaxSize = int64_t{1} << 31;

// Far above every published model, and low enough that no product of sizes leaves 64 bits.
struct SizeLimit {
  absl::string_view key;
  int64_t largest;
};
constexpr SizeLimit kSizeLimits[] = {{"vocab_size", 1 << 24},
                                     {"hidden_size", 1 << 17},
                                     {"intermediate_size", 1 << 20},
                                     {"num_hidden_layers", 1 << 10},
                                     {"num_nextn_predict_layers", 1 << 6},
                                     {"num_attention_heads", 1 << 12},
                                     {"q_lora_rank", 1 << 17},
                                     {"kv_lora_rank", 1 << 17},
                                     {"qk_nope_head_dim", 1 << 12},
                                     {"qk_rope_head_dim", 1 << 12},
                                     {"v_head_dim", 1 << 12},
                                     {"moe_intermediate_size", 1 << 17},
                                     {"n_routed_experts", 1 << 13},
                                     {"n_shared_experts", 1 << 10}};

int64_t LargestSize(absl::string_view key) {
  const auto* limit = std::find_if(std::begin(kSizeLimits), std::end(kSizeLimits),
                                   [&](const SizeLimit& known) { return known.key == key; });
  return limit == std::end(kSizeLimits) ? kMaxSize : limit->largest;
}

// What ParseModelConfig reads or checks.
constexpr absl::string_view kReadFields[] = {"architectures",
                                             "attention_bias",
                                             "attention_dropout",
                                             "bos_token_id",
                                             "eos_token_id",
                                             "first_k_dense_replace",
                                             "hidden_act",
                                             "hidden_size",
                                             "initializer_range",
                                             "intermediate_size",
                                             "kv_lora_rank",
                                             "max_position_embeddings",
                                             "mlp_bias",
                                             "model_type",
                                             "moe_intermediate_size",
                                             "moe_layer_freq",
                                             "n_group",
                                             "n_routed_experts",
                                             "n_shared_experts",
                                             "norm_topk_prob",
                                             "num_attention_heads",
                                             "num_experts_per_tok",
                                             "num_hidden_layers",
                                             "num_key_value_heads",
                                             "num_nextn_predict_layers",
                                             "q_lora_rank",
                                             "qk_head_dim",
                                             "qk_nope_head_dim",
                                             "qk_rope_head_dim",
                                             "quantization_config",
                                             "rms_norm_eps",
                                             "rope_interleave",
                                             "rope_parameters",
                                             "rope_scaling",
                                             "rope_theta",
                                             "routed_scaling_factor",
                                             "scoring_func",
                                             "tie_word_embeddings",
                                             "topk_group",
                                             "topk_method",
                                             "v_head_dim",
                                             "vocab_size",
                                             "num_experts",
                                             "num_local_experts"};

// What a forward does not depend on: how the checkpoint was made, how it was trained, defaults of generation, and
// `head_dim`, which transformers 5 derives for its own use.
constexpr absl::string_view kHarmlessFields[] = {
    "attn_implementation", "auto_map", "aux_loss_alpha", "dtype", "ep_size", "head_dim", "id2label", "label2id",
    "name_or_path", "num_labels", "output_attentions", "output_hidden_states", "output_router_logits", "pad_token_id",
    "pretraining_tp", "problem_type", "return_dict", "router_aux_loss_coef", "seq_aux", "task_specific_params",
    "tokenizer_class", "torch_dtype", "torchscript", "transformers_version", "use_bfloat16", "use_cache",
    // What transformers 4 wrote into every configuration.
    "add_cross_attention", "bad_words_ids", "begin_suppress_tokens", "chunk_size_feed_forward",
    "cross_attention_hidden_size", "decoder_start_token_id", "diversity_penalty", "do_sample", "early_stopping",
    "encoder_no_repeat_ngram_size", "exponential_decay_length_penalty", "finetuning_task", "forced_bos_token_id",
    "forced_eos_token_id", "is_decoder", "is_encoder_decoder", "length_penalty", "max_length", "min_length",
    "no_repeat_ngram_size", "num_beam_groups", "num_beams", "num_return_sequences", "output_scores", "prefix",
    "pruned_heads", "remove_invalid_values", "repetition_penalty", "return_dict_in_generate", "sep_token_id",
    "suppress_tokens", "temperature", "tf_legacy_loss", "tie_encoder_decoder", "top_k", "top_p", "typical_p"};

// Fields of models that look alike and are not, with the reason.
struct OtherModelsField {
  const char* key;
  const char* reason;
};
constexpr OtherModelsField kOtherModelsFields[] = {
    {"index_topk", "given (sparse attention with an indexer, as in DeepSeek-V3.2)"},
    {"index_n_heads", "given (sparse attention with an indexer, as in DeepSeek-V3.2)"},
    {"index_head_dim", "given (sparse attention with an indexer, as in DeepSeek-V3.2)"},
    {"vision_config", "given (a model of images and text)"},
    {"text_config", "given (a model of images and text)"},
    {"sliding_window", "given (attention over a window)"},
};

// A field that has to be given: transformers' classes fill in V3's own values, and for V2 others than DeepSeek's code,
// whose choice of experts where none is given, "gready", is none that it knows.
enum class NeededBy { kEvery, kExperts, kGroups };
struct GivenField {
  const char* key;
  const char* families;  // of "23"
  NeededBy needed_by;
  bool null_is_none;  // a null says that there is none
  const char* published;
};
constexpr GivenField kGivenFields[] = {
    {"q_lora_rank", "23", NeededBy::kEvery, true, "1536 in V2, V3 and Kimi-K2, null in V2-Lite and Moonlight"},
    {"n_routed_experts", "23", NeededBy::kEvery, true,
     "160 in V2, 64 in V2-Lite and Moonlight, 256 in V3, 384 in Kimi-K2"},
    {"n_shared_experts", "23", NeededBy::kExperts, true, "2 in V2, V2-Lite and Moonlight, 1 in V3 and Kimi-K2"},
    {"first_k_dense_replace", "3", NeededBy::kExperts, false, "3 in V3, 1 in Moonlight and Kimi-K2"},
    {"norm_topk_prob", "3", NeededBy::kExperts, false, "true in V3, Moonlight and Kimi-K2"},
    {"routed_scaling_factor", "3", NeededBy::kExperts, false, "2.5 in V3, 2.446 in Moonlight, 2.827 in Kimi-K2"},
    {"n_group", "3", NeededBy::kExperts, false, "8 in V3, 1 in Moonlight and Kimi-K2"},
    {"topk_group", "3", NeededBy::kExperts, false, "4 in V3, 1 in Moonlight and Kimi-K2"},
    {"topk_method", "2", NeededBy::kExperts, false, "group_limited_greedy in V2, greedy in V2-Lite"},
    {"n_group", "2", NeededBy::kGroups, false, "8 in V2"},
    {"topk_group", "2", NeededBy::kGroups, false, "3 in V2"},
};

constexpr const char* kNamesOfExperts[] = {"n_routed_experts", "num_experts", "num_local_experts"};

bool IsNeeded(const Json& config, const GivenField& field) {
  if (field.needed_by == NeededBy::kEvery) return true;
  if (field.needed_by == NeededBy::kGroups) return config.value("topk_method", Json()) == "group_limited_greedy";
  FieldReader read(config);
  return std::any_of(std::begin(kNamesOfExperts), std::end(kNamesOfExperts),
                     [&](const char* name) { return read.Has(name) && config[name] != 0; });
}

bool IsGiven(const Json& config, const GivenField& field) {
  if (absl::string_view(field.key) == kNamesOfExperts[0]) {
    return std::any_of(std::begin(kNamesOfExperts), std::end(kNamesOfExperts),
                       [&](const char* name) { return config.contains(name); });
  }
  return field.null_is_none ? config.contains(field.key) : FieldReader(config).Has(field.key);
}

bool IsKnown(absl::string_view key) {
  const auto is_key = [&](absl::string_view known) { return known == key; };
  return std::any_of(std::begin(kReadFields), std::end(kReadFields), is_key) ||
         std::any_of(std::begin(kHarmlessFields), std::end(kHarmlessFields), is_key);
}

absl::Status CheckHeads(FieldReader& read) {
  const int64_t heads = read.IntOr("num_attention_heads", 1, 1);
  const int64_t key_heads = read.IntOr("num_key_value_heads", 1, heads);
  if (key_heads != heads) {
    return UnsupportedField("num_key_value_heads", absl::StrCat(key_heads), "the same number as num_attention_heads");
  }
  const int64_t head_dim = read.IntOr("qk_nope_head_dim", 0, 0) + read.IntOr("qk_rope_head_dim", 0, 0);
  const int64_t given = read.IntOr("qk_head_dim", 0, head_dim);
  if (given != head_dim) {
    return UnsupportedField("qk_head_dim", absl::StrCat(given), "the sum of qk_nope_head_dim and qk_rope_head_dim");
  }
  return read.status();
}

}  // namespace

absl::Status UnsupportedField(absl::string_view key, absl::string_view found, absl::string_view supported) {
  return absl::InvalidArgumentError(
      absl::StrCat(kConfigFile, ": ", key, " is ", found, ", which is not supported; supported: ", supported));
}

absl::Status JoinErrors(absl::Span<const absl::Status> statuses) {
  absl::Status joined;
  for (const absl::Status& status : statuses) {
    if (status.ok()) continue;
    joined = joined.ok() ? status : absl::Status(joined.code(), absl::StrCat(joined.message(), "; ", status.message()));
  }
  return joined;
}

void FieldReader::Fail(const absl::Status& status) { status_ = JoinErrors({status_, status}); }

template <typename T>
T FieldReader::Keep(absl::StatusOr<T> value, T fallback) {
  if (value.ok()) return *std::move(value);
  Fail(value.status());
  return fallback;
}

bool FieldReader::Has(absl::string_view key) const {
  const auto member = object_.find(std::string(key));
  return member != object_.end() && !member->is_null();
}

int64_t FieldReader::Int(absl::string_view key, int64_t minimum) {
  const int64_t value = Keep(JsonInt(object_, key, kConfigFile), minimum);
  const int64_t largest = LargestSize(key);
  if (value >= minimum && value <= largest) return value;
  Fail(absl::InvalidArgumentError(
      absl::StrCat(kConfigFile, ": ", key, " is ", value, ", expected ", minimum, " ... ", largest)));
  return minimum;
}

int64_t FieldReader::IntOr(absl::string_view key, int64_t minimum, int64_t fallback) {
  return Has(key) ? Int(key, minimum) : fallback;
}

double FieldReader::Double(absl::string_view key) {
  const double value = Keep(JsonDouble(object_, key, kConfigFile), 0.0);
  if (!std::isfinite(value) || value < 0) {
    Fail(absl::InvalidArgumentError(absl::StrCat(kConfigFile, ": ", key, " is ", value, ", expected at least 0")));
  }
  return value;
}

double FieldReader::DoubleOr(absl::string_view key, double fallback) { return Has(key) ? Double(key) : fallback; }

bool FieldReader::BoolOr(absl::string_view key, bool fallback) {
  return Has(key) ? Keep(JsonBool(object_, key, kConfigFile), fallback) : fallback;
}

std::string FieldReader::StringOr(absl::string_view key, std::string fallback) {
  return Has(key) ? Keep(JsonString(object_, key, kConfigFile), fallback) : fallback;
}

absl::Status CheckKnownFields(const Json& config) {
  for (const OtherModelsField& field : kOtherModelsFields) {
    if (FieldReader(config).Has(field.key)) {
      return UnsupportedField(field.key, field.reason, "configurations without it");
    }
  }
  std::vector<std::string> unknown;
  for (const auto& [key, value] : config.items()) {
    if (!value.is_null() && !key.empty() && key[0] != '_' && !IsKnown(key)) unknown.push_back(key);
  }
  if (unknown.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(kConfigFile, ": ", absl::StrJoin(unknown, ", "),
                   ": not a field of the DeepSeek-V2 and V3 families that is known ",
                   "here; it could change what the model computes. Remove it if it does not"));
}

absl::Status CheckGivenFields(const Json& config) {
  const char family = config["model_type"] == "deepseek_v2" ? '2' : '3';
  std::vector<std::string> missing;
  for (const GivenField& field : kGivenFields) {
    const bool needed = absl::StrContains(field.families, family) && IsNeeded(config, field);
    if (needed && !IsGiven(config, field)) missing.push_back(absl::StrCat(field.key, " (", field.published, ")"));
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(kConfigFile, ": missing: ", absl::StrJoin(missing, ", "),
                   "; codes fill this in differently, so it has to be given, as the published configurations do"));
}

absl::Status CheckSupportedValues(const Json& config) {
  FieldReader read(config);
  const std::string activation = read.StringOr("hidden_act", "silu");
  if (activation != "silu") return UnsupportedField("hidden_act", activation, "silu");
  if (read.BoolOr("mlp_bias", false)) return UnsupportedField("mlp_bias", "true", "false");
  const double dropout = read.DoubleOr("attention_dropout", 0.0);
  if (dropout != 0.0) return UnsupportedField("attention_dropout", absl::StrCat(dropout), "0");
  return CheckHeads(read);
}

}  // namespace plumb
