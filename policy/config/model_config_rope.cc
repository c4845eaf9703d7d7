#include "policy/config/model_config_rope.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "policy/config/model_config_fields.h"
#include "policy/yarn.h"

namespace plumb {
namespace {

constexpr double kDefaultTheta = 10000.0;
// Far above every published value, and low enough that no scale overflows.
constexpr double kMaxScale = 1e6;

constexpr absl::string_view kRopeFields[] = {"type",
                                             "rope_type",
                                             "rope_theta",
                                             "factor",
                                             "original_max_position_embeddings",
                                             "beta_fast",
                                             "beta_slow",
                                             "mscale",
                                             "mscale_all_dim",
                                             "attention_factor",
                                             "truncate",
                                             "partial_rotary_factor"};

bool Same(const RopeConfig& a, const RopeConfig& b) {
  const auto all = [](const RopeConfig& rope) {
    return std::tie(rope.theta, rope.yarn, rope.factor, rope.original_max_positions, rope.beta_fast, rope.beta_slow,
                    rope.mscale, rope.mscale_all_dim, rope.attention_factor, rope.truncate, rope.interleaved);
  };
  return all(a) == all(b);
}

absl::Status Contradiction(absl::string_view one, absl::string_view other) {
  return absl::InvalidArgumentError(absl::StrCat(kConfigFile, ": ", one, " contradicts ", other));
}

absl::Status CheckRopeFields(absl::string_view where, const Json& scaling) {
  for (const auto& [key, value] : scaling.items()) {
    const bool known = std::find(std::begin(kRopeFields), std::end(kRopeFields), key) != std::end(kRopeFields);
    if (!known && !value.is_null()) {
      return UnsupportedField(absl::StrCat(where, ".", key), DumpJson(value), "rotary embeddings without it");
    }
  }
  FieldReader read(scaling);
  const double partial = read.DoubleOr("partial_rotary_factor", 1.0);
  if (partial != 1.0) {
    return UnsupportedField(absl::StrCat(where, ".partial_rotary_factor"), absl::StrCat(partial), "1");
  }
  return read.status();
}

// A number in [smallest, kMaxScale], or above 0 where `smallest` is 0.
absl::Status CheckScale(absl::string_view where, absl::string_view key, double value, double smallest) {
  if (value >= smallest && value > 0 && value <= kMaxScale) return absl::OkStatus();
  const std::string lower = smallest > 0 ? absl::StrCat("at least ", smallest) : "more than 0";
  return absl::InvalidArgumentError(absl::StrCat(kConfigFile, ": ", where, ".", key, " is ", value, ", expected ",
                                                 lower, " and at most ", kMaxScale));
}

absl::Status CheckBetas(absl::string_view where, const RopeConfig& rope) {
  RETURN_IF_ERROR(CheckScale(where, "beta_fast", rope.beta_fast, 0));
  RETURN_IF_ERROR(CheckScale(where, "beta_slow", rope.beta_slow, 0));
  if (rope.beta_fast >= rope.beta_slow) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(kConfigFile, ": ", where, ".beta_fast is ", rope.beta_fast,
                                                 ", expected at least beta_slow, ", rope.beta_slow));
}

// What DeepSeek's own code multiplies cosines and sines by: it takes the ratio whatever is given.
double RatioOfMscales(const RopeConfig& rope, const FieldReader& given) {
  const double mscale = given.Has("mscale") ? rope.mscale : 1.0;
  return YarnMscale(rope.factor, mscale) / YarnMscale(rope.factor, rope.mscale_all_dim);
}

absl::Status CheckMscales(absl::string_view where, const RopeConfig& rope, const FieldReader& given) {
  if (std::max(rope.mscale, rope.mscale_all_dim) > kMaxScale) {
    return absl::InvalidArgumentError(absl::StrCat(kConfigFile, ": ", where, ".mscale is ", rope.mscale,
                                                   " and mscale_all_dim is ", rope.mscale_all_dim,
                                                   ", expected at most ", kMaxScale));
  }
  if (rope.attention_factor != 0.0) return absl::OkStatus();
  const double ours = CosSinMultiplier(rope);
  const double ratio = RatioOfMscales(rope, given);
  if (std::fabs(ours - ratio) <= 1e-12 * ratio) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      kConfigFile, ": ", where, ": with mscale ", rope.mscale, " and mscale_all_dim ", rope.mscale_all_dim,
      " (0: not given) transformers multiplies cosines and sines by ", ours, ", DeepSeek's own code by ", ratio,
      "; give both, as the published configurations do (0.707 twice, or 1 twice), or attention_factor"));
}

absl::Status ReadYarn(absl::string_view where, const Json& scaling, RopeConfig& rope) {
  FieldReader read(scaling);
  rope.yarn = true;
  rope.factor = read.Double("factor");
  rope.original_max_positions = read.Int("original_max_position_embeddings", 1);
  rope.beta_fast = read.DoubleOr("beta_fast", 32.0);
  rope.beta_slow = read.DoubleOr("beta_slow", 1.0);
  rope.mscale = read.DoubleOr("mscale", 0.0);
  rope.mscale_all_dim = read.DoubleOr("mscale_all_dim", 0.0);
  rope.attention_factor = read.DoubleOr("attention_factor", 0.0);
  rope.truncate = read.BoolOr("truncate", true);
  RETURN_IF_ERROR(read.status());
  RETURN_IF_ERROR(CheckScale(where, "factor", rope.factor, 1));
  if (read.Has("attention_factor")) {
    RETURN_IF_ERROR(CheckScale(where, "attention_factor", rope.attention_factor, 0));
  }
  RETURN_IF_ERROR(CheckBetas(where, rope));
  return CheckMscales(where, rope, read);
}

absl::StatusOr<bool> IsYarn(absl::string_view where, const Json& scaling) {
  FieldReader read(scaling);
  const std::string old = read.StringOr("type", "default");
  const std::string type = read.StringOr("rope_type", old);
  RETURN_IF_ERROR(read.status());
  if (read.Has("type") && type != old) return Contradiction(absl::StrCat(where, ".rope_type"), "type");
  if (type != "default" && type != "yarn") {
    return UnsupportedField(absl::StrCat(where, ".rope_type"), type, "default, yarn");
  }
  return type == "yarn";
}

// One object's word, on top of what stands beside it.
absl::StatusOr<RopeConfig> ReadScaling(const char* where, const Json& config, RopeConfig rope) {
  const Json& scaling = config[where];
  if (!scaling.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(kConfigFile, ": ", where, " is not an object"));
  }
  RETURN_IF_ERROR(CheckRopeFields(where, scaling));
  FieldReader read(scaling);
  const double theta = read.DoubleOr("rope_theta", rope.theta);
  RETURN_IF_ERROR(read.status());
  if (FieldReader(config).Has("rope_theta") && theta != rope.theta) {
    return Contradiction(absl::StrCat(where, ".rope_theta"), "rope_theta");
  }
  rope.theta = theta;
  ASSIGN_OR_RETURN(const bool is_yarn, IsYarn(where, scaling));
  if (is_yarn) RETURN_IF_ERROR(ReadYarn(where, scaling, rope));
  return rope;
}

}  // namespace

absl::StatusOr<RopeConfig> ReadRope(const Json& config) {
  constexpr char kHubKey[] = "rope_scaling";
  constexpr char kVersion5Key[] = "rope_parameters";
  FieldReader read(config);
  RopeConfig rope;
  rope.theta = read.DoubleOr("rope_theta", kDefaultTheta);
  rope.interleaved = read.BoolOr("rope_interleave", true);
  RETURN_IF_ERROR(read.status());
  RopeConfig base = rope;
  if (read.Has(kVersion5Key)) {
    ASSIGN_OR_RETURN(rope, ReadScaling(kVersion5Key, config, base));
    base.theta = rope.theta;
  }
  if (read.Has(kHubKey)) {
    ASSIGN_OR_RETURN(const RopeConfig hub, ReadScaling(kHubKey, config, base));
    if (read.Has(kVersion5Key) && !Same(hub, rope)) return Contradiction(kHubKey, kVersion5Key);
    rope = hub;
  }
  if (rope.theta > 1.0) return rope;
  return absl::InvalidArgumentError(
      absl::StrCat(kConfigFile, ": rope_theta is ", rope.theta, ", expected more than 1"));
}

}  // namespace plumb
