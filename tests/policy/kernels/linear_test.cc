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

}  // namespace
}  // namespace plumb
