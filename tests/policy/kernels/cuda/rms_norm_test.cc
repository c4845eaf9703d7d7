#include "policy/kernels/rms_norm.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

TEST(RmsNormCudaTest, KernelEqualsReference) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no CUDA device";
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::TensorOptions options = at::TensorOptions().device(at::kCUDA).dtype(type);
    const at::Tensor input = at::randn({33, 600}, options).narrow(1, 8, 576);
    const at::Tensor weight = at::randn({576}, options);
    const double tolerance = type == at::kFloat ? 1e-5 : 5e-2;
    EXPECT_LE(testing::MaxDifference(RmsNorm(input, weight, 1e-6), RmsNormReference(input, weight, 1e-6)), tolerance);
  }
}

}  // namespace
}  // namespace plumb
