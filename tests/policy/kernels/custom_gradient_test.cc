#include "policy/kernels/custom_gradient.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

namespace plumb {
namespace {

at::Tensor Product(const at::Tensor& a, const at::Tensor& b) {
  return WithGradient(a.detach() * b.detach(), {a, b, at::Tensor()},
                      [a = a.detach(), b = b.detach()](const at::Tensor& gradient) {
                        return std::vector<at::Tensor>{gradient * b, gradient * a, at::Tensor()};
                      });
}

TEST(CustomGradientTest, GradientsReachTheInputsThroughOtherOps) {
  const at::Tensor a = at::tensor({2.0f}).set_requires_grad(true);
  const at::Tensor b = at::tensor({5.0f}).set_requires_grad(true);
  (Product(a * 3.0, b) * 10.0).backward();
  EXPECT_EQ(a.grad().item<float>(), 150.0f);
  EXPECT_EQ(b.grad().item<float>(), 60.0f);
}

TEST(CustomGradientTest, NothingIsRecordedWhereNothingNeedsIt) {
  const at::Tensor a = at::tensor({2.0f});
  EXPECT_FALSE(Product(a, a).requires_grad());
  const at::Tensor leaf = at::tensor({2.0f}).set_requires_grad(true);
  EXPECT_TRUE(NeedsGradient({a, leaf}));
  const at::NoGradGuard no_grad;
  EXPECT_FALSE(NeedsGradient({a, leaf}));
  EXPECT_FALSE(Product(leaf, a).requires_grad());
}

}  // namespace
}  // namespace plumb
