#include "policy/kernels/moe_experts.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/policy/exactness/each_isa.h"
#include "tests/policy/exactness/row_exactness.h"
#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

using testing::MaxDifference;

// Token by token, choice by choice.
at::Tensor Naive(const at::Tensor& hidden, const at::Tensor& experts, const at::Tensor& weights,
                 const at::Tensor& gate_up, const at::Tensor& down) {
  std::vector<at::Tensor> rows;
  for (int64_t token = 0; token < hidden.size(0); ++token) {
    at::Tensor sum = at::zeros({hidden.size(1)});
    for (int64_t choice = 0; choice < experts.size(1); ++choice) {
      const int64_t expert = experts[token][choice].item<int64_t>();
      const std::vector<at::Tensor> halves = gate_up[expert].mv(hidden[token]).chunk(2);
      sum = sum + down[expert].mv(at::silu(halves[0]) * halves[1]) * weights[token][choice];
    }
    rows.push_back(sum);
  }
  return at::stack(rows);
}

TEST(MoeExpertsConformanceTest, EqualsTokenByTokenWithGradients) {
  at::manual_seed(5);
  const at::Tensor experts = testing::Matrix({{0, 3}, {1, 3}, {0, 1}, {3, 4}, {0, 3}}, at::kLong);  // none goes to 2
  const at::Tensor upstream = at::randn({5, 6});
  const std::vector<at::Tensor> values = {at::randn({5, 6}), at::rand({5, 2}), at::randn({5, 8, 6}),
                                          at::randn({5, 6, 4})};
  std::vector<std::vector<at::Tensor>> results;
  for (const bool naive : {true, false}) {
    std::vector<at::Tensor> leaves;
    for (const at::Tensor& value : values) leaves.push_back(value.clone().set_requires_grad(true));
    const at::Tensor output = naive ? Naive(leaves[0], experts, leaves[1], leaves[2], leaves[3])
                                    : MoeExperts(leaves[0], experts, leaves[1], leaves[2], leaves[3]);
    output.backward(upstream);
    std::vector<at::Tensor> all = {output.detach()};
    for (const at::Tensor& leaf : leaves) all.push_back(leaf.grad());
    results.push_back(all);
  }
  for (size_t i = 0; i < results[0].size(); ++i) EXPECT_LE(MaxDifference(results[0][i], results[1][i]), 1e-4) << i;
  EXPECT_TRUE(results[1][3][2].eq(0.0).all().item<bool>());  // an expert without tokens has a gradient of zero
}

TEST(MoeExpertsConformanceTest, KernelEqualsReferenceInEachType) {
  at::manual_seed(6);
  const at::Tensor experts =
      std::get<0>(at::rand({33, 9}).argsort(int64_t{1}, /*descending=*/false).narrow(1, 0, 3).sort(1));
  const at::Tensor weights = at::rand({33, 3});
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor hidden = at::randn({33, 24}, type);
    const at::Tensor gate_up = at::randn({9, 20, 24}, type).mul_(0.2);
    const at::Tensor down = at::randn({9, 24, 10}, type).mul_(0.3);
    const at::Tensor kernel = MoeExperts(hidden, experts, weights, gate_up, down);
    EXPECT_LE(MaxDifference(kernel, MoeExpertsReference(hidden, experts, weights, gate_up, down)),
              type == at::kFloat ? 1e-5 : 0.05);
  }
}

// Row n of the input has the experts of its token in front.
TEST(MoeExpertsPropertyTest, ATokenDoesNotDependOnItsBatch) {
  at::manual_seed(7);
  const at::Tensor experts =
      std::get<0>(at::rand({129, 9}).argsort(int64_t{1}, /*descending=*/false).narrow(1, 0, 3).sort(1));
  const at::Tensor weights = at::rand({129, 3});
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor gate_up = at::randn({9, 20, 24}, type);
    const at::Tensor down = at::randn({9, 24, 10}, type);
    const at::Tensor rows = at::cat({experts.to(at::kFloat), weights, at::randn({129, 24}, type).to(at::kFloat)}, 1);
    testing::ExpectRowsAreExact(rows, [&](const at::Tensor& batch) {
      return MoeExperts(batch.narrow(1, 6, 24).to(type), batch.narrow(1, 0, 3).to(at::kLong), batch.narrow(1, 3, 3),
                        gate_up, down);
    });
  }
}

// In float32, (1e8 - 1e8) + 1 is 1, any other order gives 0: experts are added by their index, not as they come.
TEST(MoeExpertsPropertyTest, ExpertsAreAddedInTheOrderOfTheirIndex) {
  const at::Tensor gate_up = at::full({3, 2, 1}, 100.0f);  // silu(100) * 100 = 1e4
  const at::Tensor down = at::tensor({1e4f, -1e4f, 1e-4f}).view({3, 1, 1});
  const at::Tensor experts = testing::Matrix({{0, 1, 2}, {0, 1, 2}}, at::kLong);
  const at::Tensor sum = MoeExperts(at::ones({2, 1}), experts, at::ones({2, 3}), gate_up, down);
  EXPECT_TRUE(sum.eq(1.0f).all().item<bool>()) << sum;
}

// Three experts with these outputs, in bfloat16, and these weights.
float SumOfExperts(const std::vector<float>& outputs, float weight) {
  const at::Tensor gate_up = at::full({3, 2, 1}, 64.0f).to(at::kBFloat16);  // silu(64) * 64 = 4096
  const at::Tensor down = at::tensor(outputs).div(4096.0f).view({3, 1, 1}).to(at::kBFloat16);
  const at::Tensor experts = testing::Matrix({{0, 1, 2}}, at::kLong);
  const at::Tensor weights = at::full({1, 3}, weight);
  return MoeExperts(at::ones({1, 1}, at::kBFloat16), experts, weights, gate_up, down).item<float>();
}

// In bfloat16, 256 + 1 is 256, and 128 * (1 + 1/256) is 128.
TEST(MoeExpertsPropertyTest, TheWeightedSumIsRoundedOnce) {
  testing::ForEachIsa([](cpu::Isa) {
    EXPECT_EQ(SumOfExperts({256.0f, 1.0f, 1.0f}, 1.0f), 258.0f);
    EXPECT_EQ(SumOfExperts({128.0f, 128.0f, 128.0f}, 1.0f + 0x1p-8f), 386.0f);  // 385.5 has no neighbour but 384, 386
  });
}

// In float32, 2^24 + 1 is 2^24: the first 1 only counts where it was added to the second before.
TEST(MoeExpertsPropertyTest, EveryRowOfABatchHasTheSameOrderOfExperts) {
  const at::Tensor gate_up = at::full({3, 2, 1}, 64.0f);
  const at::Tensor down = at::tensor({0x1p24f, 1.0f, 1.0f}).div(4096.0f).view({3, 1, 1});
  const at::Tensor experts = at::tensor({0, 1, 2}, at::kLong).repeat({9, 1});
  testing::ForEachIsa([&](cpu::Isa) {
    const at::Tensor sum = MoeExperts(at::ones({9, 1}), experts, at::ones({9, 3}), gate_up, down);
    EXPECT_TRUE(sum.eq(0x1p24f).all().item<bool>()) << sum;
  });
}

}  // namespace
}  // namespace plumb
