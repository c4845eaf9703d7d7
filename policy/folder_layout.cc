#include "policy/folder_layout.h"

#include <cstring>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "policy/weights.h"

namespace plumb {
namespace {

constexpr char kExperts[] = ".mlp.experts.";

std::string ShapeText(absl::Span<const int64_t> shape) { return absl::StrCat("[", absl::StrJoin(shape, ", "), "]"); }

// "model.layers.1.mlp.experts.3.up_proj.weight", taken apart.
struct ExpertName {
  std::string prefix;  // "model.layers.1.mlp.experts."
  int64_t expert = 0;
  std::string matrix;  // "up_proj"

  std::string Fused() const { return prefix + (matrix == "down_proj" ? "down_proj" : "gate_up_proj"); }
};

std::optional<ExpertName> ParseExpertName(const std::string& name) {
  const size_t place = name.find(kExperts);
  if (place == std::string::npos) return std::nullopt;
  ExpertName parsed;
  parsed.prefix = name.substr(0, place + std::strlen(kExperts));
  const std::vector<std::string> parts = absl::StrSplit(name.substr(parsed.prefix.size()), '.');
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &parsed.expert)) return std::nullopt;
  parsed.matrix = parts[1];
  return parsed;
}

// Collects places and problems, and knows which of the folder's names are left over. Not thread-safe.
class LayoutFinder {
 public:
  LayoutFinder(const ModelFolder& folder, const ModelConfig& config)
      : folder_(folder), config_(config), left_(folder.names().begin(), folder.names().end()) {}

  FolderLayout Find() {
    for (const PublishedTensor& tensor : ExpectedTensors(config_)) {
      Keep(Place(tensor), layout_.trunk);
    }
    if (HasMtp()) {
      for (const PublishedTensor& tensor : ExpectedMtpTensors(config_)) {
        const bool copy = IsMtpCopy(tensor.name);
        if (!copy || folder_.Has(tensor.name)) Keep(PlaceWhole(tensor, tensor.name), layout_.mtp);
      }
    }
    if (config_.tie_word_embeddings) CheckTiedHead();
    if (config_.quantization.fp8_blocks && !has_codes_) {
      layout_.AddProblem(absl::InvalidArgumentError(
          "config.json: quantization_config says FP8 blocks, but no weight has type F8_E4M3"));
    }
    CheckRest();
    return std::move(layout_);
  }

 private:
  absl::Status WrongShape(const StoredWeight& weight, absl::Span<const int64_t> expected) const {
    return absl::InvalidArgumentError(absl::StrCat(weight.name(), ": shape is ", ShapeText(weight.shape()),
                                                   ", expected ", ShapeText(expected), "; it lies in ",
                                                   folder_.FileOf(weight.name())));
  }

  void Keep(absl::StatusOr<PlacedWeight> placed, std::vector<PlacedWeight>& places) {
    if (placed.ok()) {
      places.push_back(*std::move(placed));
    } else {
      layout_.AddProblem(placed.status());
    }
  }

  absl::StatusOr<PlacedWeight> Place(const PublishedTensor& tensor) {
    const std::optional<ExpertName> expert = ParseExpertName(tensor.name);
    if (expert.has_value() && folder_.Has(expert->Fused())) return PlaceInFused(tensor, *expert);
    return PlaceWhole(tensor, tensor.name);
  }

  absl::StatusOr<StoredWeight> Take(const std::string& name) {
    left_.erase(name);
    const absl::StatusOr<TensorBytes> stored = folder_.Find(name);
    if (!stored.ok()) {
      return absl::NotFoundError(absl::StrCat(name, ": is missing in ", folder_.path(), "; config.json asks for it"));
    }
    has_codes_ = has_codes_ || stored->type == TensorType::kF8E4M3;
    ASSIGN_OR_RETURN(StoredWeight weight, StoredWeight::Find(folder_, name));
    // Scales beside plain weights are left over: the weights may be codes that somebody cast without them.
    if (weight.quantized()) left_.erase(name + kScaleSuffix);
    if (weight.quantized() && !config_.quantization.fp8_blocks) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": type is F8_E4M3, but config.json has no quantization_config that says how to read it"));
    }
    return weight;
  }

  absl::StatusOr<PlacedWeight> PlaceWhole(const PublishedTensor& tensor, const std::string& name) {
    ASSIGN_OR_RETURN(StoredWeight weight, Take(name));
    const std::vector<int64_t> expected = tensor.view.sizes().vec();
    if (weight.shape() != expected) return WrongShape(weight, expected);
    const int64_t rows = weight.num_rows();
    return PlacedWeight{tensor.name, expected, {std::move(weight), 0, rows}};
  }

  // Experts stacked under transformers 5's names: [E, 2 * I, D], gate rows first, and [E, D, I].
  absl::StatusOr<PlacedWeight> PlaceInFused(const PublishedTensor& tensor, const ExpertName& expert) {
    layout_.fused_experts = true;
    const std::string fused = expert.Fused();
    ASSIGN_OR_RETURN(StoredWeight weight, Take(fused));
    const std::vector<int64_t> own = tensor.view.sizes().vec();
    const bool down = expert.matrix == "down_proj";
    const int64_t expert_rows = down ? own[0] : 2 * own[0];
    const std::vector<int64_t> expected = {config_.num_experts, expert_rows, own[1]};
    if (weight.shape() != expected) return WrongShape(weight, expected);
    const int64_t first = expert.expert * expert_rows + (expert.matrix == "up_proj" ? own[0] : 0);
    return PlacedWeight{tensor.name, own, {std::move(weight), first, own[0]}};
  }

  // transformers drops these layers when it saves and leaves their number in config.json.
  bool HasMtp() const {
    for (const std::string& name : folder_.names()) {
      if (IsMtpName(name)) return true;
    }
    return false;
  }

  bool IsMtpName(const std::string& name) const {
    const std::vector<std::string> parts = absl::StrSplit(name, '.');
    int64_t layer = 0;
    return parts.size() > 3 && parts[0] == "model" && parts[1] == "layers" && absl::SimpleAtoi(parts[2], &layer) &&
           layer >= config_.num_layers && layer < config_.num_layers + config_.num_mtp_layers;
  }

  // A tied head may be stored as well; then it has to be the embedding.
  void CheckTiedHead() {
    const std::string head = "lm_head.weight";
    if (!folder_.Has(head)) return;
    left_.erase(head);
    const absl::StatusOr<TensorBytes> stored = folder_.Find(head);
    const absl::StatusOr<TensorBytes> embedding = folder_.Find("model.embed_tokens.weight");
    const bool equal = embedding.ok() && stored->type == embedding->type && stored->shape == embedding->shape &&
                       stored->bytes == embedding->bytes;
    if (equal) return;
    layout_.AddProblem(absl::InvalidArgumentError(
        absl::StrCat(head, ": differs from model.embed_tokens.weight, but tie_word_embeddings is true")));
  }

  // "model.layers.3.self_attn.rotary_emb.inv_freq", which the configuration says as well.
  bool IsRotaryTable(const std::string& name) const {
    const std::vector<std::string> parts = absl::StrSplit(name, '.');
    int64_t layer = 0;
    const bool named = parts.size() == 6 && parts[0] == "model" && parts[1] == "layers" &&
                       absl::SimpleAtoi(parts[2], &layer) && absl::StrCat(layer) == parts[2] && layer >= 0 &&
                       layer < config_.num_layers && parts[3] == "self_attn" && parts[4] == "rotary_emb" &&
                       parts[5] == "inv_freq";
    if (!named) return false;
    const absl::StatusOr<StoredWeight> table = StoredWeight::Find(folder_, name);
    return table.ok() && table->shape() == std::vector<int64_t>{config_.qk_rope_head_dim / 2};
  }

  void CheckRest() {
    std::vector<std::string> extra;
    for (const std::string& name : left_) {
      if (!IsRotaryTable(name)) extra.push_back(name);
    }
    for (const std::string& name : extra) {
      layout_.AddProblem(
          absl::InvalidArgumentError(absl::StrCat(name, ": not a tensor of this architecture; ", extra.size(),
                                                  " such in all; it lies in ", folder_.FileOf(name))));
    }
  }

  const ModelFolder& folder_;
  const ModelConfig& config_;
  FolderLayout layout_;
  std::set<std::string> left_;
  bool has_codes_ = false;  // whether any weight is F8_E4M3
};

}  // namespace

void FolderLayout::AddProblem(absl::Status problem) {
  ++num_problems;
  if (problems.size() < kMaxProblems) problems.push_back(std::move(problem));
}

absl::Status FolderLayout::FirstProblem() const {
  if (problems.empty()) return absl::OkStatus();
  const absl::Status& first = problems.front();
  if (num_problems == 1) return first;
  return absl::Status(first.code(), absl::StrCat(first.message(), " (and ", num_problems - 1,
                                                 " problems more; plumb checkpoint verify lists the first of them)"));
}

FolderLayout FindLayout(const ModelFolder& folder, const ModelConfig& config) {
  return LayoutFinder(folder, config).Find();
}

}  // namespace plumb
