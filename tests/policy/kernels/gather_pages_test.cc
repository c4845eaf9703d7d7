#include "policy/kernels/gather_pages.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

TEST(GatherPagesTest, TakesPagesInTheTablesOrderAndZeroesTheRest) {
  const at::Tensor pages = at::arange(3 * 64, at::kFloat).view({3, 64, 1});
  const at::Tensor table = testing::Matrix({{2, 1}, {1, 0}}, at::kInt);
  const at::Tensor keys = GatherPages(pages, table, at::tensor({66, 2}, at::kInt), 67).squeeze(2);
  EXPECT_EQ(keys[0][0].item<float>(), 128.0f);
  EXPECT_EQ(keys[0][65].item<float>(), 65.0f);
  EXPECT_EQ(keys[0][66].item<float>(), 0.0f);
  EXPECT_EQ(keys[1][1].item<float>(), 65.0f);
  EXPECT_TRUE(keys[1].narrow(0, 2, 65).eq(0.0).all().item<bool>());
}

TEST(WriteToPagesTest, EachLatentGoesToItsSlotInThePagesType) {
  const at::Tensor wide = at::randn({3, 7}).to(at::kBFloat16);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor pages = at::zeros({3, 64, 5}, type);
    WriteToPages(wide.narrow(1, 1, 5), at::tensor({2 * 64 + 1, 63, 64}, at::kLong), pages);
    EXPECT_TRUE(pages[2][1].equal(wide[0].narrow(0, 1, 5).to(type)));
    EXPECT_TRUE(pages[0][63].equal(wide[1].narrow(0, 1, 5).to(type)));
    EXPECT_TRUE(pages[1][0].equal(wide[2].narrow(0, 1, 5).to(type)));
    EXPECT_EQ(pages.count_nonzero().item<int64_t>(), 15);
  }
}

at::Tensor PagesWithANan(const at::TensorOptions& options) {
  const at::Tensor pages = at::randn({5, 64, 24}, options);
  pages.select(0, 4).fill_(std::numeric_limits<float>::quiet_NaN());  // read by nobody
  return pages;
}

TEST(GatherPagesConformanceTest, KernelEqualsReference) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor pages = PagesWithANan(at::TensorOptions().dtype(type));
    const at::Tensor table = testing::Matrix({{3, 1, 2}, {1, 4, 4}, {2, 3, 4}}, at::kInt);
    const at::Tensor lengths = at::tensor({150, 1, 128}, at::kInt);
    EXPECT_TRUE(GatherPages(pages, table, lengths, 150).equal(GatherPagesReference(pages, table, lengths, 150)));
  }
}

}  // namespace
}  // namespace plumb
