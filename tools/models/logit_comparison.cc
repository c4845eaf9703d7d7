#include "tools/models/logit_comparison.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>

#include "base/status_macros.h"
#include "base/torch_guard.h"
#include "policy/policy.h"
#include "policy/policy_folder.h"

namespace plumb::cli {
namespace {

constexpr int64_t kTokens = 48;

std::vector<int64_t> SomeIds(const ModelConfig& config) {
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < std::min(kTokens, config.max_positions); ++i) {
    ids.push_back((i * 7919 + 13) % config.vocab_size);
  }
  return ids;
}

// [T, V] float32
absl::StatusOr<at::Tensor> LogitsOf(const std::string& path) {
  ASSIGN_OR_RETURN(const PolicyWeights weights, LoadPolicyFolder(path, at::kFloat, at::kCPU));
  return CatchTorch("logits", [&]() -> absl::StatusOr<at::Tensor> {
    const c10::InferenceMode no_gradients;
    const PackedTokens tokens = PackSequences({SomeIds(weights.config)});
    const at::Tensor logits = Logits(weights, Forward(weights, tokens, KvView::Own(), ForwardContext()));
    if (!at::isfinite(logits).all().item<bool>()) {
      return absl::DataLossError(absl::StrCat(path, ": the logits are not finite"));
    }
    return logits;
  });
}

}  // namespace

absl::StatusOr<LogitDifference> CompareLogits(const std::string& before, const std::string& after) {
  ASSIGN_OR_RETURN(const at::Tensor first, LogitsOf(before));
  ASSIGN_OR_RETURN(const at::Tensor second, LogitsOf(after));
  return CatchTorch("comparing logits", [&]() -> absl::StatusOr<LogitDifference> {
    LogitDifference difference;
    difference.largest = (first - second).abs().max().item<double>();
    difference.deviation = first.std().item<double>();
    difference.same_top = first.argmax(1).eq(second.argmax(1)).to(at::kDouble).mean().item<double>();
    return difference;
  });
}

}  // namespace plumb::cli
