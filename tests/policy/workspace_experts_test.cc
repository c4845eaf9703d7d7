#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <numeric>

#include "policy/kernels/matrix_product.h"
#include "policy/kernels/moe_experts.h"
#include "policy/kernels/router.h"
#include "policy/workspace_ops.h"
#include "tests/policy/exactness/each_isa.h"
#include "tests/policy/exactness/row_exactness.h"
#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

using testing::SameBits;

// The routed experts of a layer over a workspace, for hidden states [N, D] that stand in as the embeddings.
at::Tensor OverWorkspace(const ModelConfig& config, const LayerWeights& layer, const at::Tensor& hidden) {
  std::vector<int64_t> ids(hidden.size(0));
  std::iota(ids.begin(), ids.end(), 0);
  const PackedTokens tokens = PackSequences({ids});
  Workspace workspace(config);
  const WorkspaceForward forward = {config, tokens, nullptr, workspace};
  const at::Tensor output = at::empty_like(hidden);
  RunOverWorkspace(forward, KernelType(hidden.scalar_type()), [&](WorkspaceOps& ops) {
    const WorkspaceOps::Array rows = ops.Embed(hidden);
    ops.BeginLayer(1, rows);
    const WorkspaceOps::Choice choice = ops.ChooseExperts(rows, layer.gate, layer.gate_bias);
    ops.Store(ops.Experts(rows, choice, layer.expert_gate_up, layer.expert_down), output);
  });
  return output;
}

TEST(WorkspaceExpertsConformanceTest, SumsHaveTheBitsOfTensors) {
  const at::NoGradGuard no_grad;
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const PolicyWeights weights = testing::SmallWeights(3, type);
    const LayerWeights& layer = weights.layers[1];
    testing::ForEachIsa([&](cpu::Isa) {
      testing::ForEachThreadCount([&](int) {
        for (const int64_t rows : {1, 2, 8, 9, 100}) {  // up to 8 are routed by one thread
          const at::Tensor hidden = at::randn({rows, weights.config.hidden_size}).to(type);
          const Routing routing = Route(weights.config, hidden, layer.gate, layer.gate_bias);
          const at::Tensor expected =
              MoeExperts(hidden, routing.experts, routing.weights, layer.expert_gate_up, layer.expert_down);
          EXPECT_TRUE(SameBits(OverWorkspace(weights.config, layer, hidden), expected)) << rows;
        }
      });
    });
  }
}

}  // namespace
}  // namespace plumb
