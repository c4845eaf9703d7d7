#include "policy/kernels/weight_gradient.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>

#include "policy/kernels/linear.h"
#include "policy/kernels/mla_heads.h"
#include "policy/kernels/moe_experts.h"
#include "policy/kernels/token_logprobs.h"
#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

using testing::MaxDifference;

using Op = std::function<at::Tensor(const std::vector<at::Tensor>& weights)>;

// Two backward passes give twice what one gives, in the memory that the first one left.
void ExpectSecondPassIsAdded(const std::vector<at::Tensor>& values, const Op& op) {
  std::vector<at::Tensor> weights;
  for (const at::Tensor& value : values) weights.push_back(value.clone().set_requires_grad(true));
  op(weights).sum().backward();
  std::vector<at::Tensor> once;
  std::vector<const void*> memory;
  for (const at::Tensor& weight : weights) {
    once.push_back(weight.grad().clone());
    memory.push_back(weight.grad().const_data_ptr());
  }
  op(weights).sum().backward();
  for (size_t i = 0; i < weights.size(); ++i) {
    EXPECT_LE(MaxDifference(weights[i].grad(), 2 * once[i]), 1e-5 * (1.0 + once[i].abs().max().item<double>())) << i;
    EXPECT_EQ(weights[i].grad().const_data_ptr(), memory[i]) << i;
  }
}

TEST(WeightGradientTest, OpsAddToWhatTheirWeightsHave) {
  at::manual_seed(1);
  const at::Tensor x = at::randn({30, 12});
  ExpectSecondPassIsAdded({at::randn({7, 12})}, [&](const auto& weights) { return Linear(x, weights[0]); });
  const at::Tensor targets = at::randint(5000, {30}, at::kLong);
  ExpectSecondPassIsAdded({at::randn({5000, 12})}, [&](const auto& weights) {
    return ComputeTokenLogprobs(x, weights[0], targets, 0.9).logprobs;
  });
  const at::Tensor experts = at::randint(3, {30, 2}, at::kLong);  // of four: one has no rows
  const at::Tensor shares = at::rand({30, 2});
  ExpectSecondPassIsAdded({at::randn({4, 10, 12}), at::randn({4, 12, 5})},
                          [&](const auto& weights) { return MoeExperts(x, experts, shares, weights[0], weights[1]); });
  const PackedTokens tokens = PackSequences({std::vector<int64_t>(30, 1)});
  const AttentionPlan plan = PlanAttention(tokens, KvView::Own(), 2);
  const at::Tensor queries = at::randn({30, 2, 6});
  ExpectSecondPassIsAdded({at::randn({14, 10})},
                          [&](const auto& weights) { return MlaHeads(queries, x, weights[0], plan, 0.4); });
}

// What was added is not returned, or it would be added twice.
TEST(WeightGradientTest, ReturnsWhatItCouldNotAdd) {
  at::manual_seed(3);
  const at::Tensor g = at::randn({9, 3}), x = at::randn({9, 4});
  const at::Tensor expected = g.t().mm(x);
  const at::Tensor w = at::randn({3, 4}).set_requires_grad(true);
  EXPECT_LE(MaxDifference(WeightGradient(w, g, x), expected), 1e-5);
  w.mutable_grad() = at::ones({3, 4});
  EXPECT_FALSE(WeightGradient(w, g, x).defined());
  EXPECT_LE(MaxDifference(w.grad(), expected + 1), 1e-5);
  const at::Tensor experts = at::randn({2, 3, 4}).set_requires_grad(true);
  experts.mutable_grad() = at::ones({2, 3, 4});
  EXPECT_FALSE(ExpertWeightGradient(experts, g, x, {0, 9, 9}).defined());
  EXPECT_LE(MaxDifference(experts.grad()[0], expected + 1), 1e-5);
  EXPECT_TRUE(experts.grad()[1].equal(at::ones({3, 4})));
}

TEST(WeightGradientTest, OnlyDenseFloat32LeavesAreAddedTo) {
  const at::Tensor leaf = at::ones({2, 3}).set_requires_grad(true);
  EXPECT_FALSE(HeldGradient(leaf).defined());
  leaf.mutable_grad() = at::zeros({2, 3});
  EXPECT_TRUE(HeldGradient(leaf).defined());
  EXPECT_FALSE(HeldGradient(leaf.narrow(0, 0, 1)).defined());
  leaf.mutable_grad() = at::zeros({3, 2}).t();
  EXPECT_FALSE(HeldGradient(leaf).defined());
  const at::Tensor narrow = at::ones({2, 3}, at::kBFloat16).set_requires_grad(true);
  narrow.mutable_grad() = at::zeros({2, 3}, at::kBFloat16);
  EXPECT_FALSE(HeldGradient(narrow).defined());
}

// What cannot be added to is returned, and autograd adds it.
TEST(WeightGradientTest, OthersAreAddedByAutograd) {
  at::manual_seed(2);
  const at::Tensor x = at::randn({9, 4}, at::kBFloat16);
  const at::Tensor w = at::randn({3, 4}, at::kBFloat16).set_requires_grad(true);
  Linear(x, w).sum().backward();
  const at::Tensor once = w.grad().clone();
  Linear(x, w).sum().backward();
  EXPECT_TRUE(w.grad().equal(2 * once));
  const at::Tensor wide = at::randn({5, 4}).set_requires_grad(true);
  const at::Tensor rows = x.to(at::kFloat);
  for (int pass = 0; pass < 2; ++pass) Linear(rows, wide.narrow(0, 1, 3)).sum().backward();
  EXPECT_LE(MaxDifference(wide.grad()[1], 2 * rows.sum(0)), 1e-4);
  EXPECT_EQ(wide.grad()[0].abs().sum().item<float>(), 0.0f);
}

}  // namespace
}  // namespace plumb
