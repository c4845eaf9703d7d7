#include "policy/kernels/cpu/column_product.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/policy/exactness/each_isa.h"

namespace plumb::cpu {
namespace {

std::vector<float> Wave(int64_t count, float step) {
  std::vector<float> values(count);
  for (int64_t i = 0; i < count; ++i) values[i] = std::sin(step * static_cast<float>(i + 1));
  return values;
}

void ExpectAscendingSums(int64_t rows, int64_t inner, bool accumulate) {
  constexpr int64_t kColumns = 203;  // tiles of every width, and a rest
  const std::vector<float> a = Wave(rows * inner, 0.37f);
  const std::vector<float> b = Wave(inner * kColumns, 0.11f);
  const std::vector<float> before = Wave(rows * kColumns, 0.7f);
  std::vector<float> y = before;
  const ColumnProduct product = {.a = a.data(),
                                 .a_row_stride = inner,
                                 .a_inner_stride = 1,
                                 .b = b.data(),
                                 .b_stride = kColumns,
                                 .y = y.data(),
                                 .y_stride = kColumns,
                                 .rows = rows,
                                 .columns = kColumns,
                                 .inner = inner,
                                 .accumulate = accumulate};
  RunColumnProducts(&product, 1, FloatType::kFloat32);
  for (int64_t i = 0; i < rows * kColumns; ++i) {
    float sum = accumulate ? before[i] : 0.0f;
    for (int64_t j = 0; j < inner; ++j)
      sum = std::fma(a[i / kColumns * inner + j], b[j * kColumns + i % kColumns], sum);
    ASSERT_EQ(y[i], sum) << rows << " rows, " << inner << " inner, place " << i;
  }
}

// Every class adds in the same order, so their bits are equal too.
TEST(ColumnProductTest, AddsInTheOrderOfTheInnerIndex) {
  testing::ForEachIsa([](Isa) {
    for (const int64_t inner : {1, 255, 300}) {
      for (const int64_t rows : {1, 2, 3, 5, 13, 100}) {
        ExpectAscendingSums(rows, inner, /*accumulate=*/false);
        ExpectAscendingSums(rows, inner, /*accumulate=*/true);
      }
    }
  });
}

TEST(ColumnProductTest, NothingToAddGivesZero) {
  std::vector<float> y(6, 9.0f);
  const ColumnProduct product = {.a = y.data(), .b = y.data(), .y = y.data(), .y_stride = 3, .rows = 2, .columns = 3};
  RunColumnProducts(&product, 1, FloatType::kFloat32);
  EXPECT_EQ(y, std::vector<float>(6, 0.0f));
}

}  // namespace
}  // namespace plumb::cpu
