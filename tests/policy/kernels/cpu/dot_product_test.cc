#include "policy/kernels/cpu/dot_product.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "policy/kernels/cpu/numerics.h"
#include "tests/policy/exactness/each_isa.h"

namespace plumb::cpu {
namespace {

// The rule of numerics.h, written out.
float DotByTheRule(const float* x, const float* w, int64_t depth, int lanes) {
  float total = 0;
  for (int64_t first = 0; first < depth; first += kDotBlock) {
    std::vector<float> sums(lanes, 0.0f);
    for (int64_t d = first; d < std::min(first + kDotBlock, depth); ++d) {
      float& sum = sums[(d - first) % lanes];
      sum = std::fma(x[d], w[d], sum);
    }
    std::vector<float> quarters;
    for (int q = 0; q < lanes; q += 4) quarters.push_back((sums[q] + sums[q + 2]) + (sums[q + 1] + sums[q + 3]));
    for (size_t half = quarters.size() / 2; half > 0; half /= 2) {
      for (size_t q = 0; q < half; ++q) quarters[q] += quarters[q + half];
    }
    total = first == 0 ? quarters[0] : total + quarters[0];
  }
  return total;
}

std::vector<float> Wave(int64_t count, float step) {
  std::vector<float> values(count);
  for (int64_t i = 0; i < count; ++i) values[i] = std::sin(step * static_cast<float>(i + 1));
  return values;
}

TEST(DotProductTest, AddsInTheOrderOfTheNumericsSpec) {
  testing::ForEachIsa([](Isa isa) {
    for (const int64_t depth : {1, 8, 37, 1024, 1025, 2100}) {
      for (const int64_t rows : {1, 4, 11}) {
        constexpr int64_t kColumns = 7;
        const std::vector<float> x = Wave(rows * depth, 0.37f);
        const std::vector<float> w = Wave(kColumns * depth, 0.11f);
        std::vector<float> y(rows * kColumns);
        const DotProduct product = {.x = x.data(),
                                    .x_stride = depth,
                                    .w = w.data(),
                                    .w_stride = depth,
                                    .y = y.data(),
                                    .y_stride = kColumns,
                                    .rows = rows,
                                    .columns = kColumns,
                                    .depth = depth};
        RunDotProducts(&product, 1, {});
        const int lanes = isa == Isa::kAvx512 ? 16 : 8;
        for (int64_t i = 0; i < rows * kColumns; ++i) {
          EXPECT_EQ(y[i], DotByTheRule(&x[i / kColumns * depth], &w[i % kColumns * depth], depth, lanes)) << depth;
        }
      }
    }
  });
}

TEST(DotProductTest, NoDepthGivesTheBias) {
  const std::vector<float> bias = {1.0f, 2.0f, 3.0f};
  std::vector<float> y(6, 9.0f);
  const DotProduct product = {.x = y.data(),
                              .w = y.data(),
                              .bias = bias.data(),
                              .y = y.data(),
                              .y_stride = 3,
                              .rows = 2,
                              .columns = 3,
                              .depth = 0};
  RunDotProducts(&product, 1, {});
  EXPECT_EQ(y, (std::vector<float>{1, 2, 3, 1, 2, 3}));
}

}  // namespace
}  // namespace plumb::cpu
