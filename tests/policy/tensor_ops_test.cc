#include "policy/tensor_ops.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "policy/kernels/rms_norm.h"
#include "policy/mla.h"
#include "policy/mlp.h"
#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

using testing::MaxDifference;
using testing::SmallWeights;

// The expanded form of the paper: keys and values per head.
at::Tensor Expanded(const ModelConfig& config, const LayerWeights& layer, const at::Tensor& hidden,
                    const RopeTable& rope) {
  const int64_t n = hidden.size(0);
  const at::Tensor q = at::linear(RmsNormReference(at::linear(hidden, layer.q_a), layer.q_a_norm, 1e-6), layer.q_b)
                           .view({n, config.num_heads, -1});
  const std::vector<at::Tensor> q_parts = q.split_with_sizes({config.qk_nope_head_dim, config.qk_rope_head_dim}, 2);
  const std::vector<at::Tensor> kv_a =
      at::linear(hidden, layer.kv_a).split_with_sizes({config.kv_lora_rank, config.qk_rope_head_dim}, 1);
  const std::vector<at::Tensor> kv = at::linear(RmsNormReference(kv_a[0], layer.kv_a_norm, 1e-6), layer.kv_b)
                                         .view({n, config.num_heads, -1})
                                         .split_with_sizes({config.qk_nope_head_dim, config.v_head_dim}, 2);
  const at::Tensor shared_key = ApplyRope(kv_a[1].unsqueeze(1), rope).expand({n, config.num_heads, -1});
  const at::Tensor queries = at::cat({q_parts[0], ApplyRope(q_parts[1], rope)}, 2);
  const at::Tensor keys = at::cat({kv[0], shared_key}, 2);
  const at::Tensor later = at::ones({n, n}, at::kBool).triu(1);
  const at::Tensor scores =
      (at::einsum("thd,shd->hts", {queries, keys}) * SoftmaxScale(config)).masked_fill(later, -1e30);
  return at::linear(at::einsum("hts,shd->thd", {scores.softmax(-1), kv[1]}).reshape({n, -1}), layer.o);
}

TEST(MlaConformanceTest, AbsorbedEqualsExpanded) {
  const at::NoGradGuard no_grad;
  const PolicyWeights weights = SmallWeights();
  const PackedTokens tokens = PackSequences({std::vector<int64_t>(23, 1)});
  const AttentionContext context = MakeAttentionContext(weights.config, tokens, KvView::Own());
  const at::Tensor hidden = at::randn({23, weights.config.hidden_size});
  const at::Tensor expected = Expanded(weights.config, weights.layers[0], hidden, context.rope);
  const ForwardContext forward;
  TensorOps ops(weights.config, tokens, context, forward);
  EXPECT_LE(MaxDifference(MlaForward(ops, weights.layers[0], hidden), expected),
            1e-5 * expected.abs().max().item<double>() + 1e-5);
}

at::Tensor Swiglu(const at::Tensor& hidden, const at::Tensor& gate_up, const at::Tensor& down) {
  const std::vector<at::Tensor> halves = at::linear(hidden, gate_up).chunk(2, -1);
  return at::linear(at::silu(halves[0]) * halves[1], down);
}

at::Tensor Forward(const ModelConfig& config, const LayerWeights& layer, const at::Tensor& hidden,
                   const ForwardContext& context) {
  const PackedTokens tokens;
  const AttentionContext attention;
  TensorOps ops(config, tokens, attention, context);
  return MlpForward(ops, layer, hidden);
}

TEST(MlpTest, DenseLayer) {
  const at::NoGradGuard no_grad;
  const PolicyWeights weights = SmallWeights();
  const LayerWeights& layer = weights.layers[0];
  const at::Tensor hidden = at::randn({3, 128});
  const at::Tensor output = Forward(weights.config, layer, hidden, {});
  EXPECT_LE(MaxDifference(output, Swiglu(hidden, layer.gate_up, layer.down)), 1e-4);
}

TEST(MlpTest, SharedExpertsAreAddedUnscaled) {
  const at::NoGradGuard no_grad;
  PolicyWeights weights = SmallWeights();
  LayerWeights& layer = weights.layers[1];
  layer.expert_down.zero_();
  const at::Tensor hidden = at::randn({3, 128});
  RouterRecord record;
  ForwardContext context;
  context.router_record = &record;
  const at::Tensor output = Forward(weights.config, layer, hidden, context);
  EXPECT_LE(MaxDifference(output, Swiglu(hidden, layer.shared_gate_up, layer.shared_down)), 1e-4);
  ASSERT_EQ(record.experts.size(), 1);
  EXPECT_EQ(record.experts[0].sizes(), at::IntArrayRef({3, 2}));
}

}  // namespace
}  // namespace plumb
