#include "policy/workspace.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "policy/yarn.h"

namespace plumb {
namespace {

bool IsPlain(const at::Tensor& tensor) { return !tensor.defined() || (tensor.is_cpu() && tensor.is_contiguous()); }

bool IsPlain(const LayerWeights& layer) {
  const at::Tensor* const all[] = {&layer.input_norm,
                                   &layer.post_attention_norm,
                                   &layer.q,
                                   &layer.q_a,
                                   &layer.q_a_bias,
                                   &layer.q_a_norm,
                                   &layer.q_b,
                                   &layer.kv_a,
                                   &layer.kv_a_bias,
                                   &layer.kv_a_norm,
                                   &layer.kv_b,
                                   &layer.o,
                                   &layer.o_bias,
                                   &layer.gate_up,
                                   &layer.down,
                                   &layer.gate,
                                   &layer.gate_bias,
                                   &layer.expert_down,
                                   &layer.shared_gate_up,
                                   &layer.shared_down,
                                   &layer.expert_gate_up};
  return std::all_of(std::begin(all), std::end(all), [](const at::Tensor* tensor) { return IsPlain(*tensor); });
}

}  // namespace

bool WorkspaceTakes(const PolicyWeights& weights) {
  const at::ScalarType type = weights.embed.scalar_type();
  // With a latent of one number the products into the latent space would be ones along columns.
  return !at::GradMode::is_enabled() && (type == at::kFloat || type == at::kBFloat16) &&
         weights.config.kv_lora_rank > 1 && IsPlain(weights.embed) && IsPlain(weights.final_norm) &&
         IsPlain(weights.lm_head) &&
         std::all_of(weights.layers.begin(), weights.layers.end(),
                     [](const LayerWeights& layer) { return IsPlain(layer); });
}

Workspace::Workspace(const ModelConfig& config)
    : rope_frequencies_(InverseFrequencies(config.rope, config.qk_rope_head_dim)) {}

char* Workspace::Reserve(int64_t bytes) {
  if (!memory_.defined() || memory_.size(0) < bytes) {
    memory_ = at::Tensor();  // before the larger one is taken
    memory_ = at::empty({bytes}, at::kByte);
  }
  return static_cast<char*>(memory_.mutable_data_ptr());
}

at::Tensor Workspace::Results(int64_t rows, int64_t columns) {
  const bool fits = results_.defined() && results_.size(0) == rows && results_.size(1) == columns;
  if (!fits) results_ = at::empty({rows, columns}, at::kFloat);
  return results_;
}

}  // namespace plumb
