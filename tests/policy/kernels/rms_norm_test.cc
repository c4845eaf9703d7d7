#include "policy/kernels/rms_norm.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/policy/exactness/row_exactness.h"
#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

using testing::MaxDifference;

TEST(RmsNormTest, RowOfKnownMeanSquare) {
  const at::Tensor input = testing::Matrix({{3.0f, 4.0f}});  // mean square 12.5
  const at::Tensor weight = at::tensor({1.0f, 10.0f});
  const at::Tensor output = RmsNorm(input, weight, 0.0);
  EXPECT_NEAR(output[0][0].item<float>(), 3.0 / 3.5355339, 1e-6);
  EXPECT_NEAR(output[0][1].item<float>(), 40.0 / 3.5355339, 1e-5);
}

TEST(RmsNormConformanceTest, KernelEqualsReferenceWithGradients) {
  at::manual_seed(3);
  for (const int64_t width : {5, 64, 131}) {
    const at::Tensor wide = at::randn({17, width + 9});
    const at::Tensor upstream = at::randn({17, width});
    std::vector<at::Tensor> results;
    for (const bool reference : {true, false}) {
      const at::Tensor leaf = wide.clone().set_requires_grad(true);
      const at::Tensor weight = at::linspace(0.5, 2.0, width).set_requires_grad(true);
      const at::Tensor part = leaf.narrow(1, 2, width);  // rows that do not lie close
      const at::Tensor output = reference ? RmsNormReference(part, weight, 1e-6) : RmsNorm(part, weight, 1e-6);
      output.backward(upstream);
      results.insert(results.end(), {output.detach(), leaf.grad(), weight.grad()});
    }
    for (int i = 0; i < 3; ++i) EXPECT_LE(MaxDifference(results[i], results[i + 3]), 2e-5) << width << " " << i;
  }
}

TEST(RmsNormPropertyTest, ARowDoesNotDependOnItsBatch) {
  at::manual_seed(4);
  const at::Tensor input = at::randn({50, 96});
  const at::Tensor weight = at::randn({96});
  const at::Tensor whole = RmsNorm(input, weight, 1e-6);
  EXPECT_TRUE(RmsNorm(input.narrow(0, 31, 1), weight, 1e-6).equal(whole.narrow(0, 31, 1)));
}

TEST(RmsNormPropertyTest, ARowDoesNotDependOnItsBatchInAnyType) {
  at::manual_seed(5);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor weight = at::randn({77}, type);
    testing::ExpectRowsAreExact(at::randn({129, 77}, type),
                                [&](const at::Tensor& rows) { return RmsNorm(rows, weight, 1e-6); });
  }
}

TEST(RmsNormConformanceTest, BFloat16IsRoundedBeforeTheWeight) {
  at::manual_seed(6);
  const at::Tensor input = at::randn({9, 70}, at::kBFloat16);
  const at::Tensor weight = at::randn({70}, at::kBFloat16);
  const at::Tensor kernel = RmsNorm(input, weight, 1e-6);
  // The scale may differ in its last bit, which moves few results over a rounding border.
  const at::Tensor differs = kernel.ne(RmsNormReference(input, weight, 1e-6));
  EXPECT_LE(differs.sum().item<int64_t>(), 6);
  EXPECT_LE(MaxDifference(kernel, RmsNormReference(input, weight, 1e-6)), 0.04);
}

}  // namespace
}  // namespace plumb
