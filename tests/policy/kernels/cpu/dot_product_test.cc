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

struct Size {
  int64_t rows;
  int64_t columns;
  int64_t depth;
};

// Rows lie further apart than they are long, so that what is read or written beyond them shows.
constexpr int64_t kGap = 3;
constexpr float kUntouched = -77.0f;

std::vector<float> Multiply(const std::vector<float>& x, const std::vector<float>& w, const Size& size) {
  std::vector<float> y(size.rows * (size.columns + kGap), kUntouched);
  const DotProduct product = {.x = x.data(),
                              .x_stride = size.depth + kGap,
                              .w = w.data(),
                              .w_stride = size.depth + kGap,
                              .y = y.data(),
                              .y_stride = size.columns + kGap,
                              .rows = size.rows,
                              .columns = size.columns,
                              .depth = size.depth};
  RunDotProducts(&product, 1, {});
  return y;
}

// Few rows stream the weights; more of them, 13 with AVX2 and 25 with AVX-512, copy what they read first.
TEST(DotProductTest, AddsInTheOrderOfTheNumericsSpec) {
  testing::ForEachIsa([](Isa isa) {
    const int lanes = isa == Isa::kAvx512 ? 16 : 8;
    for (const int64_t depth : {1, 8, 37, 1024, 1025, 2100}) {
      for (const int64_t rows : {1, 4, 11, 13, 26, 47}) {
        const Size size = {rows, /*columns=*/rows == 47 ? 53 : 7, depth};
        const std::vector<float> x = Wave(rows * (depth + kGap), 0.37f);
        const std::vector<float> w = Wave(size.columns * (depth + kGap), 0.11f);
        const std::vector<float> y = Multiply(x, w, size);
        for (int64_t i = 0; i < static_cast<int64_t>(y.size()); ++i) {
          const int64_t row = i / (size.columns + kGap);
          const int64_t column = i % (size.columns + kGap);
          const float expected = column < size.columns
                                     ? DotByTheRule(&x[row * (depth + kGap)], &w[column * (depth + kGap)], depth, lanes)
                                     : kUntouched;
          ASSERT_EQ(y[i], expected) << rows << " rows, depth " << depth << ", at " << row << ", " << column;
        }
      }
    }
  });
}

// Several tasks in both directions, the last of them short.
TEST(DotProductTest, ManyRowsHaveTheBitsOfEachAlone) {
  testing::ForEachIsa([](Isa) {
    for (const int64_t depth : {70, 1100}) {
      const Size size = {/*rows=*/901, /*columns=*/129, depth};
      const std::vector<float> x = Wave(size.rows * (depth + kGap), 0.37f);
      const std::vector<float> w = Wave(size.columns * (depth + kGap), 0.11f);
      const std::vector<float> y = Multiply(x, w, size);
      for (const int64_t row : {0, 95, 96, 383, 384, 900}) {
        const auto first = x.begin() + row * (depth + kGap);
        const std::vector<float> alone =
            Multiply(std::vector<float>(first, first + depth + kGap), w, {1, size.columns, depth});
        const auto begin = y.begin() + row * (size.columns + kGap);
        EXPECT_EQ(alone, std::vector<float>(begin, begin + size.columns + kGap)) << row;
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
