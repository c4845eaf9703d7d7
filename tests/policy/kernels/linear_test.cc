#include "policy/kernels/linear.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

TEST(LinearTest, WeightIsTransposedAndBiasAdded) {
  const at::Tensor input = testing::Matrix({{1.0f, 2.0f}});
  const at::Tensor weight = testing::Matrix({{1.0f, 0.0f}, {0.0f, 1.0f}, {1.0f, 1.0f}});
  EXPECT_TRUE(Linear(input, weight).equal(testing::Matrix({{1.0f, 2.0f, 3.0f}})));
  EXPECT_TRUE(Linear(input, weight, at::tensor({1.0f, 1.0f, 1.0f})).equal(testing::Matrix({{2.0f, 3.0f, 4.0f}})));
}

TEST(LinearConformanceTest, KernelEqualsReferenceWithGradients) {
  at::manual_seed(1);
  const at::Tensor upstream = at::randn({19, 30});
  const std::vector<at::Tensor> values = {at::randn({19, 21}), at::randn({30, 21}), at::randn({30})};
  std::vector<at::Tensor> results;
  for (const bool reference : {true, false}) {
    std::vector<at::Tensor> leaves;
    for (const at::Tensor& value : values) leaves.push_back(value.clone().set_requires_grad(true));
    const at::Tensor output =
        reference ? LinearReference(leaves[0], leaves[1], leaves[2]) : Linear(leaves[0], leaves[1], leaves[2]);
    output.backward(upstream);
    results.insert(results.end(), {output.detach(), leaves[0].grad(), leaves[1].grad(), leaves[2].grad()});
  }
  for (size_t i = 0; i < 4; ++i) EXPECT_LE(testing::MaxDifference(results[i], results[i + 4]), 1e-4) << i;
}

TEST(LinearTest, LogitsOfBFloat16AreNotRounded) {
  const at::Tensor input = at::randn({3, 64}, at::kBFloat16);
  const at::Tensor weight = at::randn({5, 64}, at::kBFloat16);
  const at::Tensor logits = LinearToFloat(input, weight);
  EXPECT_EQ(logits.scalar_type(), at::kFloat);
  EXPECT_FALSE(logits.equal(logits.to(at::kBFloat16).to(at::kFloat)));
  EXPECT_TRUE(Linear(input, weight).equal(logits.to(at::kBFloat16)));
}

}  // namespace
}  // namespace plumb
