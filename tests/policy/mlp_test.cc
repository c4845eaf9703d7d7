#include "policy/mlp.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "policy/tensor_ops.h"
#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

using testing::MaxDifference;
using testing::SmallWeights;

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
