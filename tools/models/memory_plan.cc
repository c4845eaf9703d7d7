#include "tools/models/memory_plan.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "policy/kernels/cpu/numerics.h"
#include "policy/kernels/cpu/row_functions.h"
#include "policy/kv_cache.h"
#include "policy/model_size.h"
#include "rollout/engine_limits.h"

namespace plumb::cli {
namespace {

constexpr double kFloatBytes = 4;
// For gaps between what is held. Measured by the growth of the peak with the micro-batch: bench-p takes 330 k numbers
// more per token where Activations() names 337 k; bench-t, whose small tensors leave more gaps, 47 k to 63 k where it
// names 33 k.
constexpr double kAllowance = 1.2;

// What ComputeTokenLogprobs() has at one time. In numbers: of the logits it keeps 32 MiB at most, beside a piece of
// 16 MiB with its softmax and gradient; a slab has a chunk of ids at least; each chunk of a token leaves its sums.
constexpr double kMostLogits = 5 << 22;

double BytesOf(const std::string& dtype) { return dtype == "bfloat16" ? 2 : 4; }

// The routers are float32 in every case.
double RouterParameters(const ModelConfig& model) {
  double count = 0;
  for (int64_t layer = 0; layer < model.num_layers; ++layer) {
    if (model.IsMoeLayer(layer)) count += static_cast<double>(model.num_experts * (model.hidden_size + 1));
  }
  return count;
}

double WeightBytes(const ModelConfig& model, const std::string& dtype) {
  const double routers = RouterParameters(model);
  return (static_cast<double>(NumParameters(model)) - routers) * BytesOf(dtype) + routers * kFloatBytes;
}

// Numbers that the backward pass keeps for a token of one layer: inputs and outputs of the norms, the projections of
// attention, the chosen and shared experts or the dense layer.
double LayerActivations(const ModelConfig& model, int64_t layer) {
  const double heads = static_cast<double>(model.num_heads);
  const double width = static_cast<double>(model.hidden_size);
  const double attention = heads * static_cast<double>(model.QkHeadDim() + model.v_head_dim) +
                           static_cast<double>(2 * model.LatentWidth() + 2 * model.q_lora_rank);
  double feed_forward = 3.0 * static_cast<double>(model.intermediate_size);
  if (model.IsMoeLayer(layer)) {
    const double chosen = static_cast<double>(model.experts_per_token);
    const double inner = static_cast<double>(model.moe_intermediate_size);
    feed_forward = chosen * (3.0 * inner + width) + 3.0 * static_cast<double>(model.num_shared_experts) * inner;
  }
  return 4.0 * width + attention + feed_forward;
}

MemoryPart Activations(const ModelConfig& model, const std::string& dtype, int64_t tokens) {
  double kept = 0, widest = 0;
  for (int64_t layer = 0; layer < model.num_layers; ++layer) {
    kept += LayerActivations(model, layer);
    widest = std::max(widest, LayerActivations(model, layer));
  }
  // The gradients of a layer, float32, are about as many numbers as it keeps.
  const double bytes = kept * BytesOf(dtype) + widest * kFloatBytes;
  return {absl::StrCat("activations of ", tokens, " tokens"), kAllowance * bytes * static_cast<double>(tokens),
          /*estimate=*/true};
}

// The logits of a micro batch and their gradient.
MemoryPart LogitsPart(const ModelConfig& model, int64_t tokens) {
  const double rows = static_cast<double>(tokens);
  const double most = std::max(kMostLogits, rows * static_cast<double>(cpu::kVocabularyChunk));
  const double numbers = std::min(2.0 * rows * static_cast<double>(model.vocab_size), most);
  const int64_t chunks = (model.vocab_size + cpu::kVocabularyChunk - 1) / cpu::kVocabularyChunk;
  const double sums = rows * static_cast<double>(chunks) * sizeof(cpu::ChunkSums);
  return {absl::StrCat("logits of ", tokens, " tokens"), numbers * kFloatBytes + sums, /*estimate=*/true};
}

// Numbers of the largest weight matrix, or of the experts' that are one tensor.
double LargestWeight(const ModelConfig& model) {
  const int64_t experts = model.num_experts * 2 * model.moe_intermediate_size;
  return static_cast<double>(model.hidden_size * std::max({model.vocab_size, 2 * model.intermediate_size, experts}));
}

void AddTrainer(const ModelConfig& model, const std::string& dtype, int64_t tokens, std::vector<MemoryPart>& parts) {
  const double parameters = static_cast<double>(NumParameters(model));
  parts.push_back({"weights", WeightBytes(model, dtype)});
  parts.push_back({"gradients", WeightBytes(model, dtype)});
  parts.push_back({"optimizer: two moments", 2 * kFloatBytes * parameters});
  if (dtype == "bfloat16") {
    parts.push_back({"optimizer: float32 weights", kFloatBytes * (parameters - RouterParameters(model))});
    const double passing = (kFloatBytes + 2) * LargestWeight(model);  // in float32, then rounded
    parts.push_back({"gradient of the largest weight", passing, /*estimate=*/true});
  }
  parts.push_back(Activations(model, dtype, tokens));
  parts.push_back(LogitsPart(model, tokens));
}

double CacheBytes(const ModelConfig& model, const proto::EngineConfig& engine, const std::string& dtype) {
  const absl::StatusOr<proto::EngineConfig> resolved = ResolveEngineConfig(engine, model);
  const double pages = resolved.ok() ? static_cast<double>(resolved->cache_pages()) : 0;
  return pages * kPageTokens * static_cast<double>(CacheNumbersPerToken(model)) * BytesOf(dtype);
}

}  // namespace

double StageMemory::Total() const {
  double total = 0;
  for (const MemoryPart& part : parts) total += part.bytes;
  return total;
}

StageMemory LoadMemory(const ModelConfig& model, const std::string& dtype) {
  return {"load", {{absl::StrCat("weights in ", dtype), WeightBytes(model, dtype)}}};
}

StageMemory SftMemory(const ModelConfig& model, const proto::SftConfig& config) {
  StageMemory stage{"sft", {}};
  AddTrainer(model, config.compute().dtype(), config.micro_batch_tokens(), stage.parts);
  return stage;
}

StageMemory GrpoMemory(const ModelConfig& model, const proto::GrpoConfig& config) {
  StageMemory stage{"grpo", {}};
  AddTrainer(model, config.compute().dtype(), config.micro_batch_tokens(), stage.parts);
  if (config.algorithm().kl_coef() > 0) {
    stage.parts.push_back({"reference policy", WeightBytes(model, config.compute().dtype())});
  }
  if (config.rollout().workers_size() > 0) return stage;
  const int64_t workers = config.rollout().local_workers();
  const std::string& dtype = config.rollout().compute().dtype();
  const std::string each = workers == 1 ? "rollout worker" : absl::StrCat(workers, " rollout workers");
  const double count = static_cast<double>(workers);
  stage.parts.push_back({each + ": weights", count * WeightBytes(model, dtype)});
  stage.parts.push_back({each + ": new weights on their way", count * WeightBytes(model, dtype)});
  stage.parts.push_back({each + ": cache", count * CacheBytes(model, config.rollout().engine(), dtype)});
  return stage;
}

}  // namespace plumb::cli
