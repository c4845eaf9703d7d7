#include "rollout/page_allocator.h"

#include "base/check.h"

namespace plumb {

PageAllocator::PageAllocator(int64_t num_pages) : references_(num_pages, 0) {
  PLUMB_CHECK(num_pages >= 2) << "a pool of " << num_pages << " pages has none besides the null page";
  free_.reserve(num_pages - 1);
  for (int64_t page = num_pages - 1; page > 0; --page) free_.push_back(static_cast<int32_t>(page));
}

int32_t PageAllocator::Allocate() {
  PLUMB_CHECK(!free_.empty()) << "no free page among " << num_pages();
  const int32_t page = free_.back();
  free_.pop_back();
  PLUMB_CHECK(references_[page] == 0) << "free page " << page << " has " << references_[page] << " references";
  references_[page] = 1;
  ++used_pages_;
  return page;
}

void PageAllocator::Share(int32_t page) {
  PLUMB_CHECK(page > 0 && page < num_pages() && references_[page] > 0) << "page " << page << " is not in use";
  ++references_[page];
}

void PageAllocator::Release(int32_t page) {
  PLUMB_CHECK(page > 0 && page < num_pages() && references_[page] > 0) << "page " << page << " is not in use";
  if (--references_[page] > 0) return;
  free_.push_back(page);
  --used_pages_;
}

}  // namespace plumb
