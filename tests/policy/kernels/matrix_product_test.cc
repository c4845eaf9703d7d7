#include "policy/kernels/matrix_product.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/policy/exactness/each_isa.h"
#include "tests/policy/exactness/row_exactness.h"
#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

using testing::ExpectRowsAreExact;
using testing::ForEachIsa;
using testing::MaxDifference;

// Largest difference from the product in double, as a share of what one result's terms sum up to.
double RelativeError(const at::Tensor& y, const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor exact = at::mm(a.to(at::kDouble), b.to(at::kDouble));
  const at::Tensor scale = at::mm(a.abs().to(at::kDouble), b.abs().to(at::kDouble)).add(1e-30);
  return y.numel() == 0 ? 0.0 : ((y.to(at::kDouble) - exact).abs() / scale).max().item<double>();
}

struct Size {
  int64_t rows, columns, depth;
};
// Tails of every kind: rows of a strip, columns of a tile, lanes, blocks of the depth.
const Size kSizes[] = {{1, 1, 1},   {1, 5, 7},    {2, 4, 16},    {3, 6, 33},     {7, 70, 64},
                       {13, 9, 96}, {97, 33, 40}, {5, 66, 1030}, {65, 300, 257}, {400, 20, 2500}};

TEST(MatrixProductConformanceTest, EqualsTheExactProduct) {
  at::manual_seed(1);
  ForEachIsa([](cpu::Isa) {
    for (const auto& [rows, columns, depth] : kSizes) {
      const at::Tensor x = at::randn({rows, depth});
      const at::Tensor w = at::randn({columns, depth});
      const at::Tensor bias = at::randn({columns});
      EXPECT_LE(RelativeError(TimesTransposed(x, w, {}, at::kFloat), x, w.t()), 2e-6) << rows << " " << depth;
      EXPECT_TRUE(TimesTransposed(x, w, bias, at::kFloat).equal(TimesTransposed(x, w, {}, at::kFloat) + bias));
      const at::Tensor g = at::randn({rows, columns});
      EXPECT_LE(RelativeError(Times(g, w), g, w), 2e-6) << rows << " " << columns;
      EXPECT_LE(RelativeError(TransposedTimes(g, x), g.t(), x), 4e-6) << rows << " " << columns;
    }
  });
}

TEST(MatrixProductConformanceTest, BFloat16WeightsAreReadAsTheyAreAndResultsRoundedOnce) {
  at::manual_seed(2);
  ForEachIsa([](cpu::Isa) {
    for (const auto& [rows, columns, depth] : kSizes) {
      const at::Tensor x = at::randn({rows, depth}, at::kBFloat16);
      const at::Tensor w = at::randn({columns, depth}, at::kBFloat16);
      const at::Tensor wide = TimesTransposed(x.to(at::kFloat), w.to(at::kFloat), {}, at::kFloat);
      EXPECT_TRUE(TimesTransposed(x, w, {}, at::kFloat).equal(wide));
      EXPECT_TRUE(TimesTransposed(x, w, {}, at::kBFloat16).equal(wide.to(at::kBFloat16)));
      const at::Tensor g = at::randn({rows, columns}, at::kBFloat16);
      EXPECT_TRUE(Times(g, w).equal(Times(g.to(at::kFloat), w.to(at::kFloat))));
    }
  });
}

TEST(MatrixProductTest, RowsMayLieApart) {
  const at::Tensor wide = at::randn({6, 50});
  const at::Tensor x = wide.narrow(1, 3, 40);
  const at::Tensor w = at::randn({9, 60}).narrow(1, 11, 40);
  const at::Tensor packed = TimesTransposed(x.contiguous(), w.contiguous(), {}, at::kFloat);
  EXPECT_TRUE(TimesTransposed(x, w, {}, at::kFloat).equal(packed));
}

TEST(MatrixProductTest, ValuesThatAreNoNumbersStaySo) {
  at::Tensor x = at::randn({20, 40});
  x[7][39] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor w = at::randn({12, 40}, at::kBFloat16);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor y = TimesTransposed(x, w, {}, type);
    EXPECT_TRUE(y[7].isnan().all().item<bool>());
    EXPECT_FALSE(y[6].isnan().any().item<bool>());
  }
}

TEST(MatrixProductTest, EachExpertHasItsOwnMatrix) {
  at::manual_seed(3);
  const ExpertStarts starts = {0, 3, 3, 4, 10};  // the second expert has no rows
  const at::Tensor x = at::randn({10, 24});
  const at::Tensor w = at::randn({4, 6, 24});
  const at::Tensor y = ExpertsTimesTransposed(x, w, starts, at::kFloat);
  const at::Tensor g = at::randn({10, 6});
  const at::Tensor dx = ExpertsTimes(g, w, starts);
  const at::Tensor dw = ExpertsTransposedTimes(g, x, starts);
  for (int64_t expert = 0; expert < 4; ++expert) {
    const int64_t count = starts[expert + 1] - starts[expert];
    const at::Tensor rows = x.narrow(0, starts[expert], count);
    const at::Tensor upstream = g.narrow(0, starts[expert], count);
    EXPECT_LE(RelativeError(y.narrow(0, starts[expert], count), rows, w[expert].t()), 1e-6);
    EXPECT_LE(RelativeError(dx.narrow(0, starts[expert], count), upstream, w[expert]), 1e-6);
    EXPECT_LE(RelativeError(dw[expert], upstream.t(), rows), 1e-6);
  }
  EXPECT_TRUE(dw[1].eq(0.0).all().item<bool>());
}

TEST(MatrixProductPropertyTest, ARowDoesNotDependOnItsBatch) {
  at::manual_seed(4);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor w = at::randn({45, 83}, type);
    const at::Tensor long_w = at::randn({9, 1100}, type);
    ExpectRowsAreExact(at::randn({129, 83}, type),
                       [&](const at::Tensor& rows) { return TimesTransposed(rows, w, {}, type); });
    ExpectRowsAreExact(at::randn({129, 1100}, type),
                       [&](const at::Tensor& rows) { return TimesTransposed(rows, long_w, {}, at::kFloat); });
    ExpectRowsAreExact(at::randn({129, 45}, type), [&](const at::Tensor& rows) { return Times(rows, w); });
  }
}

// Columns are cut into tasks by their number: a head with fewer ids gives the same logits.
TEST(MatrixProductPropertyTest, AColumnDoesNotDependOnTheOthers) {
  at::manual_seed(5);
  const at::Tensor x = at::randn({17, 200});
  const at::Tensor w = at::randn({1000, 200});
  const at::Tensor whole = TimesTransposed(x, w, {}, at::kFloat);
  for (const auto& [first, count] : {std::pair<int64_t, int64_t>{0, 1}, {3, 997}, {256, 256}, {501, 30}}) {
    EXPECT_TRUE(TimesTransposed(x, w.narrow(0, first, count), {}, at::kFloat).equal(whole.narrow(1, first, count)));
  }
}

}  // namespace
}  // namespace plumb
