#include "policy/kernels/per_head_product.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/policy/exactness/each_isa.h"
#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

using testing::MaxDifference;

TEST(PerHeadProductTest, EachHeadHasItsOwnMatrix) {
  const at::Tensor input = at::tensor({1.0f, 2.0f, 3.0f, 4.0f}).view({1, 2, 2});
  const at::Tensor matrices = at::tensor({1.0f, 0.0f, 0.0f, 1.0f, 0.0f, 1.0f, 1.0f, 0.0f}).view({2, 2, 2});
  EXPECT_TRUE(PerHeadProduct(input, matrices).equal(at::tensor({1.0f, 2.0f, 4.0f, 3.0f}).view({1, 2, 2})));
}

struct Sizes {
  int64_t n, h, a, b;
};

// The input is a part of wider rows.
void CompareWithReference(const Sizes& sizes, bool transposed) {
  const at::Tensor values =
      transposed ? at::randn({sizes.h, sizes.b, sizes.a}).transpose(1, 2) : at::randn({sizes.h, sizes.a, sizes.b});
  const at::Tensor input = at::randn({sizes.n, sizes.h, sizes.a + 3}).narrow(2, 1, sizes.a);
  EXPECT_LE(MaxDifference(PerHeadProduct(input, values), PerHeadProductReference(input, values)), 1e-4)
      << sizes.n << " tokens, " << sizes.a << " to " << sizes.b << ", " << transposed;
}

TEST(PerHeadProductConformanceTest, EqualsTheReference) {
  at::manual_seed(2);
  testing::ForEachIsa([](cpu::Isa) {
    for (const Sizes& sizes : {Sizes{5, 3, 4, 2}, {1, 4, 64, 512}, {70, 2, 33, 41}, {130, 8, 32, 64}, {3, 1, 1, 1}}) {
      CompareWithReference(sizes, false);
      CompareWithReference(sizes, true);
    }
  });
}

TEST(PerHeadProductConformanceTest, Bfloat16) {
  at::manual_seed(3);
  testing::ForEachIsa([](cpu::Isa) {
    const at::Tensor input = at::randn({9, 3, 40}).to(at::kBFloat16);
    for (const at::Tensor& matrices : {at::randn({3, 40, 21}), at::randn({3, 21, 40}).transpose(1, 2)}) {
      const at::Tensor narrow = matrices.to(at::kBFloat16);
      const at::Tensor expected = PerHeadProductReference(input.to(at::kFloat), narrow.to(at::kFloat));
      const at::Tensor found = PerHeadProduct(input, narrow);
      EXPECT_EQ(found.scalar_type(), at::kBFloat16);
      EXPECT_LE(MaxDifference(found.to(at::kFloat), expected), 0.004 * expected.abs().max().item<double>());
    }
  });
}

void ExpectRowsAlone(const at::Tensor& input, const at::Tensor& matrices) {
  testing::ForEachIsa([&](cpu::Isa) {
    const at::Tensor expected = PerHeadProduct(input, matrices);
    testing::ForEachThreadCount([&](int) {
      for (const int64_t count : {1, 2, 3, 7, 16, 17, 64, 128}) {
        const int64_t first = input.size(0) - count;
        EXPECT_TRUE(PerHeadProduct(input.narrow(0, first, count), matrices).equal(expected.narrow(0, first, count)))
            << count;
      }
    });
  });
}

TEST(PerHeadProductPropertyTest, ARowAloneEqualsTheRowInABatch) {
  at::manual_seed(4);
  const at::Tensor values = at::randn({130, 6, 37});
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    ExpectRowsAlone(values.to(type), at::randn({6, 37, 75}).to(type));
    ExpectRowsAlone(values.to(type), at::randn({6, 75, 37}).to(type).transpose(1, 2));
  }
}

}  // namespace
}  // namespace plumb
