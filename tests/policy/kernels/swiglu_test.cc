#include "policy/kernels/swiglu.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/policy/exactness/row_exactness.h"
#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

TEST(SwigluTest, GateIsTheFirstHalf) {
  const at::Tensor output = Swiglu(testing::Matrix({{2.0f, 0.0f, 3.0f, 5.0f}}));
  EXPECT_NEAR(output[0][0].item<float>(), 2.0 / (1.0 + std::exp(-2.0)) * 3.0, 1e-6);
  EXPECT_EQ(output[0][1].item<float>(), 0.0f);
}

TEST(SwigluConformanceTest, KernelEqualsReferenceWithGradients) {
  at::manual_seed(1);
  const at::Tensor upstream = at::randn({6, 21});
  const at::Tensor values = at::randn({6, 42}).mul_(4.0);
  std::vector<at::Tensor> results;
  for (const bool reference : {true, false}) {
    const at::Tensor leaf = values.clone().set_requires_grad(true);
    const at::Tensor output = reference ? SwigluReference(leaf) : Swiglu(leaf);
    output.backward(upstream);
    results.insert(results.end(), {output.detach(), leaf.grad()});
  }
  EXPECT_LE(testing::MaxDifference(results[0], results[2]), 1e-5);
  EXPECT_LE(testing::MaxDifference(results[1], results[3]), 1e-5);
}

TEST(SwigluPropertyTest, ARowDoesNotDependOnItsBatch) {
  at::manual_seed(2);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    testing::ExpectRowsAreExact(at::randn({129, 38}, type), Swiglu);
  }
}

}  // namespace
}  // namespace plumb
