#include "policy/kernels/cpu/head_products.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace plumb::cpu {
namespace {

constexpr int kTokens = 70;
constexpr int kHeads = 2;
constexpr int kInner = 5;
constexpr int kColumns = 19;

// With the strides of the matrices as they are.
void ExpectChains(HeadProducts products) {
  std::vector<float> input(kTokens * kHeads * kInner);
  std::vector<float> matrices(kHeads * kInner * kColumns);
  std::vector<float> output(kTokens * kHeads * kColumns);
  for (size_t i = 0; i < input.size(); ++i) input[i] = std::sin(static_cast<float>(i));
  for (size_t i = 0; i < matrices.size(); ++i) matrices[i] = std::cos(static_cast<float>(3 * i));
  products.num_tokens = kTokens;
  products.num_heads = kHeads;
  products.inner = kInner;
  products.columns = kColumns;
  products.input = input.data();
  products.token_stride = kHeads * kInner;
  products.head_stride = kInner;
  products.matrices = matrices.data();
  products.matrix_stride = kInner * kColumns;
  products.output = output.data();
  RunHeadProducts(products);
  for (int place = 0; place < kTokens * kHeads * kColumns; ++place) {
    const int row = place / kColumns;
    const float* matrix = matrices.data() + row % kHeads * products.matrix_stride;
    float expected = 0.0f;
    for (int k = 0; k < kInner; ++k) {
      const int64_t element = k * products.inner_stride + place % kColumns * products.column_stride;
      expected = std::fma(input[row * kInner + k], matrix[element], expected);
    }
    ASSERT_EQ(output[place], expected) << row << ", " << place % kColumns;
  }
}

TEST(HeadProductsTest, OneChainPerResultWhereColumnsLieSideBySide) {
  HeadProducts products;
  products.inner_stride = kColumns;
  products.column_stride = 1;
  ExpectChains(products);
}

TEST(HeadProductsTest, OneChainPerResultWhereColumnsLieApart) {
  HeadProducts products;
  products.inner_stride = 1;
  products.column_stride = kInner;
  ExpectChains(products);
}

}  // namespace
}  // namespace plumb::cpu
