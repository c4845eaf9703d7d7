#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cstring>
#include <map>
#include <optional>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/torch_guard.h"
#include "policy/weights.h"

namespace plumb {
namespace {

std::string ShapeText(absl::Span<const int64_t> shape) { return absl::StrCat("[", absl::StrJoin(shape, ", "), "]"); }

std::optional<at::ScalarType> FloatType(TensorType type) {
  switch (type) {
    case TensorType::kF32:
      return at::kFloat;
    case TensorType::kBF16:
      return at::kBFloat16;
    case TensorType::kF16:
      return at::kHalf;
    default:
      return std::nullopt;
  }
}

// Reads one file tensor into `target`, converting its type.
absl::Status ReadTensor(const std::string& name, const TensorBytes& source, at::Tensor target) {
  const std::vector<int64_t> expected = target.sizes().vec();
  if (source.shape != expected) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": shape is ", ShapeText(source.shape), ", expected ", ShapeText(expected)));
  }
  const std::optional<at::ScalarType> type = FloatType(source.type);
  if (!type.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": type is ", std::string(TensorTypeName(source.type)), ", expected F32, BF16 or F16"));
  }
  // The file's bytes may lie at any address; tensors want theirs aligned.
  at::Tensor values = at::empty(expected, at::TensorOptions().dtype(*type));
  std::memcpy(values.mutable_data_ptr(), source.bytes.data(), source.bytes.size());
  target.copy_(values);
  return absl::OkStatus();
}

// Knows which of the folder's names are left over, and which may be.
class NameLedger {
 public:
  NameLedger(const ModelFolder& folder, const ModelConfig& config)
      : config_(config), left_(folder.names().begin(), folder.names().end()) {}

  void Take(const std::string& name) { left_.erase(name); }

  // Names that nothing reads, but that published folders may hold: layers above the last one (multi-token prediction)
  // and tables of old rotary code.
  absl::Status CheckRest() {
    for (auto name = left_.begin(); name != left_.end();) {
      name = MayBeLeftOut(*name) ? left_.erase(name) : std::next(name);
    }
    if (left_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(*left_.begin(), ": not a tensor of this architecture; ", left_.size(), " such in all"));
  }

 private:
  bool MayBeLeftOut(const std::string& name) const {
    if (absl::EndsWith(name, ".rotary_emb.inv_freq")) return true;
    const std::vector<std::string> parts = absl::StrSplit(name, '.');
    int64_t layer = 0;
    return parts.size() > 3 && parts[0] == "model" && parts[1] == "layers" && absl::SimpleAtoi(parts[2], &layer) &&
           layer >= config_.num_layers && layer < config_.num_layers + config_.num_mtp_layers;
  }

  const ModelConfig& config_;
  std::set<std::string> left_;
};

// The stacked experts of one layer under transformers 5's fused names. Returns whether the folder has them.
absl::StatusOr<bool> ReadFusedExperts(const ModelFolder& folder, const std::string& prefix, LayerWeights& layer,
                                      NameLedger& ledger) {
  const std::string gate_up = prefix + "gate_up_proj";
  const std::string down = prefix + "down_proj";
  if (!layer.expert_gate_up.defined() || !folder.Has(gate_up)) return false;
  ASSIGN_OR_RETURN(const TensorBytes gate_up_bytes, folder.Find(gate_up));
  RETURN_IF_ERROR(ReadTensor(gate_up, gate_up_bytes, layer.expert_gate_up));
  ASSIGN_OR_RETURN(const TensorBytes down_bytes, folder.Find(down));
  RETURN_IF_ERROR(ReadTensor(down, down_bytes, layer.expert_down));
  ledger.Take(gate_up);
  ledger.Take(down);
  return true;
}

// A tied head may be stored as well; then it has to be the embedding.
absl::Status CheckTiedHead(const ModelFolder& folder, NameLedger& ledger) {
  const std::string head = "lm_head.weight";
  if (!folder.Has(head)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const TensorBytes stored, folder.Find(head));
  ASSIGN_OR_RETURN(const TensorBytes embedding, folder.Find("model.embed_tokens.weight"));
  const bool equal = stored.bytes.size() == embedding.bytes.size() &&
                     std::memcmp(stored.bytes.data(), embedding.bytes.data(), stored.bytes.size()) == 0;
  if (!equal) {
    return absl::InvalidArgumentError(
        absl::StrCat(head, ": differs from model.embed_tokens.weight, but tie_word_embeddings is true"));
  }
  ledger.Take(head);
  return absl::OkStatus();
}

absl::Status ReadAll(const ModelFolder& folder, PolicyWeights& weights) {
  NameLedger ledger(folder, weights.config);
  std::set<std::string> fused_prefixes;
  for (size_t index = 0; index < weights.layers.size(); ++index) {
    const std::string prefix = absl::StrCat("model.layers.", index, ".mlp.experts.");
    ASSIGN_OR_RETURN(const bool fused, ReadFusedExperts(folder, prefix, weights.layers[index], ledger));
    if (fused) fused_prefixes.insert(prefix);
  }
  for (const PublishedTensor& tensor : PublishedTensors(weights)) {
    const size_t experts = tensor.name.find(".mlp.experts.");
    if (experts != std::string::npos && fused_prefixes.count(tensor.name.substr(0, experts + 13)) > 0) continue;
    ASSIGN_OR_RETURN(const TensorBytes source, folder.Find(tensor.name));
    RETURN_IF_ERROR(ReadTensor(tensor.name, source, tensor.view));
    ledger.Take(tensor.name);
  }
  if (weights.config.tie_word_embeddings) RETURN_IF_ERROR(CheckTiedHead(folder, ledger));
  return ledger.CheckRest();
}

}  // namespace

absl::StatusOr<PolicyWeights> LoadWeights(const ModelFolder& folder, at::ScalarType dtype, at::Device device) {
  ASSIGN_OR_RETURN(const ModelConfig config, ParseModelConfig(folder.config()));
  return CatchTorch("LoadWeights", [&]() -> absl::StatusOr<PolicyWeights> {
    const at::NoGradGuard no_grad;
    PolicyWeights weights = AllocateWeights(config, dtype, device);
    RETURN_IF_ERROR(ReadAll(folder, weights));
    return weights;
  });
}

}  // namespace plumb
