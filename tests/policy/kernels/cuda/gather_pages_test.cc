#include "policy/kernels/gather_pages.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

at::Tensor PagesWithANan(const at::TensorOptions& options) {
  const at::Tensor pages = at::randn({5, 64, 24}, options);
  pages.select(0, 4).fill_(std::numeric_limits<float>::quiet_NaN());  // read by nobody
  return pages;
}

TEST(GatherPagesCudaTest, KernelEqualsReference) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no CUDA device";
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor pages = PagesWithANan(at::TensorOptions().device(at::kCUDA).dtype(type));
    const at::Tensor table = testing::Matrix({{3, 1, 2}, {1, 4, 4}, {2, 3, 4}}, at::kInt).cuda();
    const at::Tensor lengths = at::tensor({150, 1, 128}, at::kInt).cuda();
    EXPECT_TRUE(GatherPages(pages, table, lengths, 150).equal(GatherPagesReference(pages, table, lengths, 150)));
  }
}

}  // namespace
}  // namespace plumb
