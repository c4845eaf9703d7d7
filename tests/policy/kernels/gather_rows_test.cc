#include "policy/kernels/gather_rows.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

TEST(GatherRowsTest, MinusOneIsARowOfZeros) {
  const at::Tensor source = testing::Matrix({{1.0f, 2.0f}, {3.0f, 4.0f}});
  const at::Tensor rows = at::tensor({1, -1, 0, 1}, at::kLong);
  EXPECT_TRUE(
      GatherRows(source, rows).equal(testing::Matrix({{3.0f, 4.0f}, {0.0f, 0.0f}, {1.0f, 2.0f}, {3.0f, 4.0f}})));
}

TEST(GatherRowsTest, GradientAddsThePlacesOfARow) {
  const at::Tensor source = at::zeros({2, 1}).set_requires_grad(true);
  const at::Tensor rows = at::tensor({1, -1, 0, 1}, at::kLong);
  const at::Tensor inverse = testing::Matrix({{2, -1}, {0, 3}}, at::kLong);
  GatherRows(source, rows, inverse).backward(testing::Matrix({{1.0f}, {10.0f}, {100.0f}, {1000.0f}}));
  EXPECT_TRUE(source.grad().equal(testing::Matrix({{100.0f}, {1001.0f}})));
}

TEST(GatherRowsTest, RowsNeedNotLieClose) {
  const at::Tensor source = at::arange(12, at::kFloat).view({3, 4});
  const at::Tensor rows = at::tensor({2, 0}, at::kLong);
  EXPECT_TRUE(GatherRows(source.narrow(1, 1, 2), rows).equal(testing::Matrix({{9.0f, 10.0f}, {1.0f, 2.0f}})));
  EXPECT_TRUE(GatherRows(source.t(), rows).equal(testing::Matrix({{2.0f, 6.0f, 10.0f}, {0.0f, 4.0f, 8.0f}})));
}

}  // namespace
}  // namespace plumb
