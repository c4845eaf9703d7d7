#include "policy/weights.h"

#include <ATen/ATen.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace plumb {
namespace {

// A buffer of one layer and what Buffers() says of it.
struct LayerBuffer {
  const char* name;
  at::Tensor LayerWeights::*tensor;
};

constexpr LayerBuffer kLayerBuffers[] = {
    {"input_norm", &LayerWeights::input_norm},
    {"post_attention_norm", &LayerWeights::post_attention_norm},
    {"q", &LayerWeights::q},
    {"q_a", &LayerWeights::q_a},
    {"q_a_bias", &LayerWeights::q_a_bias},
    {"q_a_norm", &LayerWeights::q_a_norm},
    {"q_b", &LayerWeights::q_b},
    {"kv_a", &LayerWeights::kv_a},
    {"kv_a_bias", &LayerWeights::kv_a_bias},
    {"kv_a_norm", &LayerWeights::kv_a_norm},
    {"kv_b", &LayerWeights::kv_b},
    {"o", &LayerWeights::o},
    {"o_bias", &LayerWeights::o_bias},
    {"gate_up", &LayerWeights::gate_up},
    {"down", &LayerWeights::down},
    {"gate", &LayerWeights::gate},
    {"gate_bias", &LayerWeights::gate_bias},
    {"expert_gate_up", &LayerWeights::expert_gate_up},
    {"expert_down", &LayerWeights::expert_down},
    {"shared_gate_up", &LayerWeights::shared_gate_up},
    {"shared_down", &LayerWeights::shared_down},
};

LayerWeights AllocateLayer(const ModelConfig& config, int64_t index, const at::TensorOptions& options) {
  const auto make = [&](at::IntArrayRef shape) { return at::empty(shape, options); };
  const int64_t d = config.hidden_size;
  const int64_t h = config.num_heads;
  const int64_t rq = config.q_lora_rank;
  LayerWeights layer;
  layer.input_norm = make({d});
  layer.post_attention_norm = make({d});
  if (rq == 0) {
    layer.q = make({h * config.QkHeadDim(), d});
  } else {
    layer.q_a = make({rq, d});
    if (config.attention_bias) layer.q_a_bias = make({rq});
    layer.q_a_norm = make({rq});
    layer.q_b = make({h * config.QkHeadDim(), rq});
  }
  layer.kv_a = make({config.LatentWidth(), d});
  if (config.attention_bias) layer.kv_a_bias = make({config.LatentWidth()});
  layer.kv_a_norm = make({config.kv_lora_rank});
  layer.kv_b = make({h * (config.qk_nope_head_dim + config.v_head_dim), config.kv_lora_rank});
  layer.o = make({d, h * config.v_head_dim});
  if (config.attention_bias) layer.o_bias = make({d});
  if (!config.IsMoeLayer(index)) {
    layer.gate_up = make({2 * config.intermediate_size, d});
    layer.down = make({d, config.intermediate_size});
    return layer;
  }
  const int64_t e = config.num_experts;
  const int64_t width = config.moe_intermediate_size;
  const int64_t shared = config.num_shared_experts * width;
  layer.gate = at::empty({e, d}, options.dtype(at::kFloat));
  if (config.gate_selection == GateSelection::kNoAuxTc) layer.gate_bias = at::empty({e}, options.dtype(at::kFloat));
  layer.expert_gate_up = make({e, 2 * width, d});
  layer.expert_down = make({e, d, width});
  if (shared > 0) {
    layer.shared_gate_up = make({2 * shared, d});
    layer.shared_down = make({d, shared});
  }
  return layer;
}

// Appends views of a buffer under published names; undefined buffers are skipped.
class Publisher {
 public:
  explicit Publisher(std::vector<PublishedTensor>& tensors) : tensors_(tensors) {}

  void Whole(const std::string& name, const at::Tensor& buffer) {
    if (buffer.defined()) tensors_.push_back({name, buffer.detach()});
  }
  // Gate rows first, then up rows.
  void GateUp(const std::string& prefix, const at::Tensor& buffer) {
    if (!buffer.defined()) return;
    const int64_t width = buffer.size(0) / 2;
    tensors_.push_back({prefix + "gate_proj.weight", buffer.detach().narrow(0, 0, width)});
    tensors_.push_back({prefix + "up_proj.weight", buffer.detach().narrow(0, width, width)});
  }

 private:
  std::vector<PublishedTensor>& tensors_;
};

void PublishAttention(const LayerWeights& layer, const std::string& prefix, Publisher& publish) {
  publish.Whole(prefix + "q_proj.weight", layer.q);
  publish.Whole(prefix + "q_a_proj.weight", layer.q_a);
  publish.Whole(prefix + "q_a_proj.bias", layer.q_a_bias);
  publish.Whole(prefix + "q_a_layernorm.weight", layer.q_a_norm);
  publish.Whole(prefix + "q_b_proj.weight", layer.q_b);
  publish.Whole(prefix + "kv_a_proj_with_mqa.weight", layer.kv_a);
  publish.Whole(prefix + "kv_a_proj_with_mqa.bias", layer.kv_a_bias);
  publish.Whole(prefix + "kv_a_layernorm.weight", layer.kv_a_norm);
  publish.Whole(prefix + "kv_b_proj.weight", layer.kv_b);
  publish.Whole(prefix + "o_proj.weight", layer.o);
  publish.Whole(prefix + "o_proj.bias", layer.o_bias);
}

void PublishMlp(const LayerWeights& layer, const std::string& prefix, Publisher& publish) {
  publish.GateUp(prefix, layer.gate_up);
  publish.Whole(prefix + "down_proj.weight", layer.down);
  publish.Whole(prefix + "gate.weight", layer.gate);
  publish.Whole(prefix + "gate.e_score_correction_bias", layer.gate_bias);
  const int64_t num_experts = layer.expert_gate_up.defined() ? layer.expert_gate_up.size(0) : 0;
  for (int64_t expert = 0; expert < num_experts; ++expert) {
    const std::string expert_prefix = absl::StrCat(prefix, "experts.", expert, ".");
    publish.GateUp(expert_prefix, layer.expert_gate_up.detach().select(0, expert));
    publish.Whole(expert_prefix + "down_proj.weight", layer.expert_down.detach().select(0, expert));
  }
  publish.GateUp(prefix + "shared_experts.", layer.shared_gate_up);
  publish.Whole(prefix + "shared_experts.down_proj.weight", layer.shared_down);
}

void PublishLayer(const LayerWeights& layer, const std::string& prefix, Publisher& publish) {
  publish.Whole(prefix + "input_layernorm.weight", layer.input_norm);
  PublishAttention(layer, prefix + "self_attn.", publish);
  publish.Whole(prefix + "post_attention_layernorm.weight", layer.post_attention_norm);
  PublishMlp(layer, prefix + "mlp.", publish);
}

constexpr char kMtpEmbedding[] = ".embed_tokens.weight";
constexpr char kMtpHead[] = ".shared_head.head.weight";

}  // namespace

PolicyWeights AllocateWeights(const ModelConfig& config, at::ScalarType dtype, at::Device device) {
  const at::TensorOptions options = at::TensorOptions().dtype(dtype).device(device);
  PolicyWeights weights;
  weights.config = config;
  weights.embed = at::empty({config.vocab_size, config.hidden_size}, options);
  weights.final_norm = at::empty({config.hidden_size}, options);
  weights.lm_head = config.tie_word_embeddings ? weights.embed : at::empty_like(weights.embed);
  for (int64_t index = 0; index < config.num_layers; ++index) {
    weights.layers.push_back(AllocateLayer(config, index, options));
  }
  return weights;
}

std::vector<NamedBuffer> Buffers(PolicyWeights& weights) {
  std::vector<NamedBuffer> buffers;
  buffers.push_back({"embed", &weights.embed, true, false});
  for (size_t index = 0; index < weights.layers.size(); ++index) {
    for (const LayerBuffer& buffer : kLayerBuffers) {
      at::Tensor& tensor = weights.layers[index].*buffer.tensor;
      if (!tensor.defined()) continue;
      const bool trainable = buffer.tensor != &LayerWeights::gate_bias;
      buffers.push_back(
          {absl::StrCat("layers.", index, ".", buffer.name), &tensor, trainable, trainable && tensor.dim() >= 2});
    }
  }
  buffers.push_back({"final_norm", &weights.final_norm, true, false});
  if (!weights.config.tie_word_embeddings) buffers.push_back({"lm_head", &weights.lm_head, true, true});
  return buffers;
}

std::vector<PublishedTensor> PublishedTensors(const PolicyWeights& weights) {
  std::vector<PublishedTensor> tensors;
  Publisher publish(tensors);
  publish.Whole("model.embed_tokens.weight", weights.embed);
  for (size_t index = 0; index < weights.layers.size(); ++index) {
    PublishLayer(weights.layers[index], absl::StrCat("model.layers.", index, "."), publish);
  }
  publish.Whole("model.norm.weight", weights.final_norm);
  if (!weights.config.tie_word_embeddings) publish.Whole("lm_head.weight", weights.lm_head);
  return tensors;
}

std::vector<PublishedTensor> ExpectedTensors(const ModelConfig& config) {
  return PublishedTensors(AllocateWeights(config, at::kFloat, at::kMeta));
}

std::vector<PublishedTensor> ExpectedMtpTensors(const ModelConfig& config) {
  const at::TensorOptions options = at::TensorOptions().dtype(at::kFloat).device(at::kMeta);
  std::vector<PublishedTensor> tensors;
  Publisher publish(tensors);
  const int64_t d = config.hidden_size;
  for (int64_t index = config.num_layers; index < config.num_layers + config.num_mtp_layers; ++index) {
    const std::string prefix = absl::StrCat("model.layers.", index);
    PublishLayer(AllocateLayer(config, index, options), prefix + ".", publish);
    publish.Whole(prefix + ".enorm.weight", at::empty({d}, options));
    publish.Whole(prefix + ".hnorm.weight", at::empty({d}, options));
    publish.Whole(prefix + ".eh_proj.weight", at::empty({d, 2 * d}, options));
    publish.Whole(prefix + ".shared_head.norm.weight", at::empty({d}, options));
    publish.Whole(prefix + kMtpEmbedding, at::empty({config.vocab_size, d}, options));
    publish.Whole(prefix + kMtpHead, at::empty({config.vocab_size, d}, options));
  }
  return tensors;
}

bool IsMtpCopy(const std::string& name) {
  return absl::StartsWith(name, "model.layers.") &&
         (absl::EndsWith(name, kMtpEmbedding) || absl::EndsWith(name, kMtpHead));
}

PolicyWeights CloneWeights(const PolicyWeights& weights) {
  PolicyWeights copy = weights;
  for (const NamedBuffer& buffer : Buffers(copy)) *buffer.tensor = buffer.tensor->detach().clone();
  if (copy.config.tie_word_embeddings) copy.lm_head = copy.embed;
  return copy;
}

}  // namespace plumb
