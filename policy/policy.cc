#include "policy/policy.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "absl/strings/str_cat.h"
#include "policy/kernels/attention_plan.h"
#include "policy/kernels/linear.h"
#include "policy/kernels/matrix_product.h"
#include "policy/kernels/token_logprobs.h"
#include "policy/mla.h"
#include "policy/mlp.h"
#include "policy/tensor_ops.h"
#include "policy/workspace.h"
#include "policy/workspace_ops.h"

namespace plumb {
namespace {

std::string PlaceOf(int64_t probe_index, int64_t num_layers) {
  if (probe_index == 0) return "the embeddings";
  if (probe_index == num_layers + 1) return "the last norm";
  return absl::StrCat("layer ", probe_index - 1);
}

// All layers, over tensors or over a workspace: [N, D].
template <typename Ops>
typename Ops::Array RunLayers(Ops& ops, const PolicyWeights& weights) {
  using Array = typename Ops::Array;
  const double epsilon = weights.config.rms_norm_eps;
  Array hidden = ops.Embed(weights.embed);
  for (int64_t index = 0; index < weights.config.num_layers; ++index) {
    const LayerWeights& layer = weights.layers[index];
    ops.BeginLayer(index, hidden);
    hidden = ops.Add(hidden, MlaForward(ops, layer, ops.RmsNorm(hidden, layer.input_norm, epsilon)));
    hidden = ops.Add(hidden, MlpForward(ops, layer, ops.RmsNorm(hidden, layer.post_attention_norm, epsilon)));
  }
  ops.BeginLayer(weights.config.num_layers, hidden);
  return hidden;
}

at::Tensor ForwardOnTensors(const PolicyWeights& weights, const PackedTokens& tokens, const KvView& view,
                            const ForwardContext& context) {
  const c10::AutoGradMode records(at::GradMode::is_enabled() && view.cache == nullptr);
  const AttentionContext attention = MakeAttentionContext(weights.config, tokens, view);
  TensorOps ops(weights.config, tokens, attention, context);
  const at::Tensor hidden = ops.RmsNorm(RunLayers(ops, weights), weights.final_norm, weights.config.rms_norm_eps);
  ops.BeginLayer(weights.config.num_layers + 1, hidden);
  return hidden;
}

template <typename Program>
void RunModel(const PolicyWeights& weights, const PackedTokens& tokens, const KvView& view, Workspace& workspace,
              const Program& program) {
  PlanAttentionOnCpu(tokens, view, weights.config.num_heads, workspace.units, workspace.slots);
  const WorkspaceForward forward = {weights.config, tokens, view.cache, workspace};
  RunOverWorkspace(forward, KernelType(weights.embed.scalar_type()), program);
}

// The context's workspace, or one for this forward alone.
class WorkspaceFor {
 public:
  WorkspaceFor(const ForwardContext& context, const ModelConfig& config) : kept_(context.workspace) {
    if (kept_ == nullptr) own_.emplace(config);
  }
  Workspace& operator*() { return kept_ != nullptr ? *kept_ : *own_; }

 private:
  Workspace* const kept_;
  std::optional<Workspace> own_;
};

// Nothing looks into the forward, and nothing asks for more of it than results.
bool RunsOverWorkspace(const PolicyWeights& weights, const PackedTokens& tokens, const ForwardContext& context) {
  return WorkspaceTakes(weights) && tokens.ids.is_cpu() && context.router_record == nullptr &&
         context.router_replay == nullptr && !context.hidden_probe;
}

}  // namespace

at::Tensor Forward(const PolicyWeights& weights, const PackedTokens& tokens, const KvView& view,
                   const ForwardContext& context) {
  if (!RunsOverWorkspace(weights, tokens, context)) return ForwardOnTensors(weights, tokens, view, context);
  const at::Tensor output = at::empty({tokens.num_tokens(), weights.config.hidden_size}, weights.embed.options());
  WorkspaceFor workspace(context, weights.config);
  RunModel(weights, tokens, view, *workspace, [&](WorkspaceOps& ops) {
    ops.Store(ops.RmsNorm(RunLayers(ops, weights), weights.final_norm, weights.config.rms_norm_eps), output);
  });
  return output;
}

at::Tensor LogitsOfRows(const PolicyWeights& weights, const PackedTokens& tokens, const KvView& view,
                        const ForwardContext& context, const std::vector<int64_t>& rows) {
  if (!RunsOverWorkspace(weights, tokens, context)) {
    const at::Tensor hidden = ForwardOnTensors(weights, tokens, view, context);
    return Logits(weights, hidden.index_select(0, at::tensor(rows, at::kLong).to(hidden.device())));
  }
  WorkspaceFor workspace(context, weights.config);
  const at::Tensor logits = (*workspace).Results(static_cast<int64_t>(rows.size()), weights.lm_head.size(0));
  RunModel(weights, tokens, view, *workspace, [&](WorkspaceOps& ops) {
    const WorkspaceOps::Array hidden = ops.Pick(RunLayers(ops, weights), rows);
    ops.LogitsInto(ops.RmsNorm(hidden, weights.final_norm, weights.config.rms_norm_eps), weights.lm_head, logits);
  });
  return logits;
}

at::Tensor Logits(const PolicyWeights& weights, const at::Tensor& hidden) {
  return LinearToFloat(hidden, weights.lm_head);
}

TokenScores ScoreTokens(const PolicyWeights& weights, const at::Tensor& hidden, const at::Tensor& targets,
                        double temperature, int64_t num_ids) {
  const TokenLogprobs scores = ComputeTokenLogprobs(hidden, weights.lm_head, targets, temperature, num_ids);
  return {scores.logprobs, scores.entropy};
}

std::optional<std::string> FindNonFinite(const PolicyWeights& weights, const PackedTokens& tokens, const KvView& view,
                                         const ForwardContext& context) {
  const at::NoGradGuard no_grad;
  std::optional<std::string> place;
  ForwardContext probing = context;
  probing.router_record = nullptr;
  probing.hidden_probe = [&](int64_t index, const at::Tensor& hidden) {
    if (!place.has_value() && !at::isfinite(hidden).all().item<bool>()) {
      place = PlaceOf(index, weights.config.num_layers);
    }
  };
  Forward(weights, tokens, view, probing);
  return place;
}

}  // namespace plumb
