#ifndef PLUMB_ROLLOUT_PAGE_ALLOCATOR_H_
#define PLUMB_ROLLOUT_PAGE_ALLOCATOR_H_

#include <cstdint>
#include <vector>

namespace plumb {

// Hands out the pages of a latent cache and counts who refers to each. Pure bookkeeping. Page 0 is the null page: it is
// never handed out and does not count as free. At any time free_pages() + used_pages() + 1 = num_pages().
// Not thread-safe.
class PageAllocator {
 public:
  // num_pages counts the null page; at least 2.
  explicit PageAllocator(int64_t num_pages);

  // A free page with one reference. There must be one: see free_pages().
  int32_t Allocate();
  // One more reference to a page that is in use.
  void Share(int32_t page);
  // One reference less; the page is free after the last one.
  void Release(int32_t page);

  int64_t num_pages() const { return static_cast<int64_t>(references_.size()); }
  int64_t free_pages() const { return static_cast<int64_t>(free_.size()); }
  int64_t used_pages() const { return used_pages_; }
  int32_t references(int32_t page) const { return references_[page]; }

 private:
  std::vector<int32_t> references_;
  std::vector<int32_t> free_;  // the last one is handed out next
  int64_t used_pages_ = 0;
};

}  // namespace plumb

#endif  // PLUMB_ROLLOUT_PAGE_ALLOCATOR_H_
