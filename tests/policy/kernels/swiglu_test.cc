#include "policy/kernels/swiglu.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

TEST(SwigluTest, GateIsTheFirstHalf) {
  const at::Tensor output = Swiglu(testing::Matrix({{2.0f, 0.0f, 3.0f, 5.0f}}));
  EXPECT_NEAR(output[0][0].item<float>(), 2.0 / (1.0 + std::exp(-2.0)) * 3.0, 1e-6);
  EXPECT_EQ(output[0][1].item<float>(), 0.0f);
}

}  // namespace
}  // namespace plumb
