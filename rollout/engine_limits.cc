#include "rollout/engine_limits.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/config.h"
#include "base/status_macros.h"
#include "policy/kv_cache.h"

namespace plumb {
namespace {

constexpr int64_t kDefaultContextTokens = 1024;
constexpr size_t kMaxStopIds = 64;
constexpr size_t kMaxStopStrings = 16;
constexpr size_t kMaxStopStringBytes = 256;
constexpr double kMaxTemperature = 100;

absl::Status Invalid(absl::string_view field, absl::string_view found, absl::string_view expected) {
  return absl::InvalidArgumentError(absl::StrCat("sampling.", field, ": is ", found, ", expected ", expected));
}

}  // namespace

absl::StatusOr<proto::EngineConfig> ResolveEngineConfig(const proto::EngineConfig& config, const ModelConfig& model) {
  proto::EngineConfig resolved;
  RETURN_IF_ERROR(ParseConfig("", "engine", {}, resolved).status());
  resolved.MergeFrom(config);
  if (resolved.max_running_sequences() < 1 || resolved.max_step_tokens() < 1 || resolved.max_waiting_sequences() < 1 ||
      resolved.cache_pages() < 0) {
    return absl::InvalidArgumentError(
        "engine: max_running_sequences, max_step_tokens and max_waiting_sequences must be 1 "
        "or more, cache_pages 0 or more");
  }
  if (resolved.cache_pages() == 0) {
    const int64_t context = std::min(model.max_positions, kDefaultContextTokens);
    const int64_t pages_each = (context + kPageTokens - 1) / kPageTokens;
    resolved.set_cache_pages(static_cast<int32_t>(resolved.max_running_sequences() * pages_each + 1));
  }
  if (resolved.cache_pages() < 2) {
    return absl::InvalidArgumentError("engine.cache_pages: is 1, expected 2 or more: page 0 is never handed out");
  }
  return resolved;
}

absl::Status CheckSampling(const SamplingOptions& sampling, bool has_text) {
  if (sampling.max_new_tokens < 1) return Invalid("max_new_tokens", absl::StrCat(sampling.max_new_tokens), "1 or more");
  if (!(sampling.temperature > 0 && sampling.temperature <= kMaxTemperature)) {
    return Invalid("temperature", absl::StrCat(sampling.temperature), "above 0, at most 100 (0 is `greedy`)");
  }
  if (!(sampling.top_p > 0 && sampling.top_p <= 1)) {
    return Invalid("top_p", absl::StrCat(sampling.top_p), "above 0, at most 1");
  }
  if (sampling.top_k < 0) return Invalid("top_k", absl::StrCat(sampling.top_k), "0 or more");
  if (sampling.stop_ids.size() > kMaxStopIds) {
    return Invalid("stop_ids", absl::StrCat(sampling.stop_ids.size(), " ids"), absl::StrCat("at most ", kMaxStopIds));
  }
  if (sampling.stop_strings.size() > kMaxStopStrings) {
    return Invalid("stop_strings", absl::StrCat(sampling.stop_strings.size(), " strings"),
                   absl::StrCat("at most ", kMaxStopStrings));
  }
  if (!has_text && !sampling.stop_strings.empty()) {
    return Invalid("stop_strings", "given", "none: this policy folder has no tokenizer.json");
  }
  for (const std::string& stop : sampling.stop_strings) {
    if (stop.empty() || stop.size() > kMaxStopStringBytes) {
      return Invalid("stop_strings", absl::StrCat("a string of ", stop.size(), " bytes"),
                     absl::StrCat("1 to ", kMaxStopStringBytes));
    }
  }
  return absl::OkStatus();
}

}  // namespace plumb
