#include <cmath>

#include "absl/strings/match.h"
#include "base/check.h"
#include "base/json.h"
#include "policy/model_config.h"
#include "policy/model_size.h"
#include "policy/yarn.h"
#include "tests/fuzz/fuzz_targets.h"

namespace plumb::fuzz {
namespace {

void CheckNumbers(const ModelConfig& config) {
  const ParameterCounts counts = CountParameters(config);
  PLUMB_CHECK(counts.total > 0 && counts.mtp >= 0) << counts.total << " and " << counts.mtp;
  PLUMB_CHECK(counts.active > 0 && counts.active <= counts.total) << counts.active << " of " << counts.total;
  PLUMB_CHECK(CacheNumbersPerToken(config) > 0 && PlainCacheNumbersPerToken(config) > 0);
  PLUMB_CHECK(SoftmaxScale(config) > 0);
  for (const float frequency : InverseFrequencies(config.rope, config.qk_rope_head_dim)) {
    PLUMB_CHECK(std::isfinite(frequency) && frequency >= 0) << frequency;
  }
  PLUMB_CHECK(std::isfinite(CosSinMultiplier(config.rope)));
}

}  // namespace

void FuzzModelConfig(absl::string_view input) {
  const absl::StatusOr<Json> json = ParseJson(input, "config.json");
  if (!json.ok()) return;
  const absl::StatusOr<ModelConfig> config = ParseModelConfig(*json);
  if (config.ok()) return CheckNumbers(*config);
  PLUMB_CHECK(config.status().code() == absl::StatusCode::kInvalidArgument) << config.status();
  PLUMB_CHECK(absl::StartsWith(config.status().message(), "config.json: ")) << config.status();
}

}  // namespace plumb::fuzz
