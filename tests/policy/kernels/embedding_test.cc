#include "policy/kernels/embedding.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/policy/exactness/each_isa.h"
#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

TEST(EmbeddingTest, RowsAndTheirGradients) {
  const at::Tensor table = testing::Matrix({{1, 2}, {3, 4}, {5, 6}}, at::kFloat).set_requires_grad(true);
  const at::Tensor ids = at::tensor({2, 0, 2}, at::kLong);
  const at::Tensor upstream = testing::Matrix({{10, 1}, {20, 2}, {40, 4}}, at::kFloat);
  const at::Tensor once = testing::Matrix({{20, 2}, {0, 0}, {50, 5}}, at::kFloat);
  const at::Tensor rows = Embedding(table, ids);
  EXPECT_TRUE(rows.equal(testing::Matrix({{5, 6}, {1, 2}, {5, 6}}, at::kFloat)));
  rows.backward(upstream);
  EXPECT_TRUE(table.grad().equal(once));
  const void* memory = table.grad().const_data_ptr();
  Embedding(table, ids).backward(upstream);
  EXPECT_TRUE(table.grad().equal(2 * once));
  EXPECT_EQ(table.grad().const_data_ptr(), memory);
}

// A run that is resumed repeats its steps to the bit.
TEST(EmbeddingTest, ManyRowsOfAnIdAreAddedInTheirOrder) {
  at::manual_seed(3);
  constexpr int64_t kRows = 5000, kIds = 7, kWidth = 33;
  const at::Tensor ids = at::randint(kIds, {kRows}, at::kLong), upstream = at::randn({kRows, kWidth});
  const at::Tensor expected = at::ones({kIds, kWidth});
  for (int64_t row = 0; row < kRows; ++row) expected[ids[row].item<int64_t>()].add_(upstream[row]);
  testing::ForEachThreadCount([&](int threads) {
    const at::Tensor table = at::zeros({kIds, kWidth}).set_requires_grad(true);
    table.mutable_grad() = at::ones({kIds, kWidth});
    Embedding(table, ids).backward(upstream);
    EXPECT_TRUE(table.grad().equal(expected)) << threads;
  });
}

TEST(EmbeddingTest, Bfloat16IsAddedByAutograd) {
  const at::Tensor table = at::ones({3, 2}, at::kBFloat16).set_requires_grad(true);
  for (int pass = 0; pass < 2; ++pass) Embedding(table, at::tensor({1, 1}, at::kLong)).sum().backward();
  EXPECT_TRUE(table.grad().equal(testing::Matrix({{0, 0}, {4, 4}, {0, 0}}, at::kBFloat16)));
}

}  // namespace
}  // namespace plumb
