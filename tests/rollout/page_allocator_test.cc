#include "rollout/page_allocator.h"

#include <gtest/gtest.h>

#include <set>

namespace plumb {
namespace {

TEST(PageAllocatorTest, HandsOutEveryPageButTheNullPageOnce) {
  PageAllocator pages(5);
  std::set<int32_t> handed_out;
  while (pages.free_pages() > 0) handed_out.insert(pages.Allocate());
  EXPECT_EQ(handed_out, (std::set<int32_t>{1, 2, 3, 4}));
  EXPECT_EQ(pages.used_pages(), 4);
}

TEST(PageAllocatorTest, FreesAPageAfterItsLastReference) {
  PageAllocator pages(3);
  const int32_t page = pages.Allocate();
  pages.Share(page);
  pages.Release(page);
  EXPECT_EQ(pages.references(page), 1);
  EXPECT_EQ(pages.free_pages(), 1);
  pages.Release(page);
  EXPECT_EQ(pages.references(page), 0);
  EXPECT_EQ(pages.free_pages(), 2);
}

TEST(PageAllocatorTest, CountsFreeUsedAndNullPagesToTheTotal) {
  PageAllocator pages(10);
  const int32_t first = pages.Allocate();
  pages.Share(pages.Allocate());
  EXPECT_EQ(pages.free_pages() + pages.used_pages() + 1, pages.num_pages());
  pages.Release(first);
  EXPECT_EQ(pages.free_pages() + pages.used_pages() + 1, pages.num_pages());
}

TEST(PageAllocatorDeathTest, RefusesToReleaseAFreePage) {
  PageAllocator pages(3);
  EXPECT_DEATH(pages.Release(1), "page 1 is not in use");
  EXPECT_DEATH(pages.Release(0), "page 0 is not in use");
}

}  // namespace
}  // namespace plumb
