#ifndef PLUMB_TEXT_RANDOM_ORDER_H_
#define PLUMB_TEXT_RANDOM_ORDER_H_

#include <cstdint>
#include <vector>

namespace plumb {

// An endless order of rows, epoch by epoch, each epoch a permutation made from (seed, epoch) alone. Its state is one
// number, so that a run resumes exactly. Not thread-safe.
class RandomOrder {
 public:
  // num_rows at least 1.
  RandomOrder(int64_t num_rows, uint64_t seed) : num_rows_(num_rows), seed_(seed) {}

  // The row at the position, and the position advances by one.
  int64_t Next();
  int64_t position() const { return position_; }
  int64_t epoch() const { return position_ / num_rows_; }
  void Seek(int64_t position) { position_ = position; }

 private:
  const int64_t num_rows_;
  const uint64_t seed_;
  int64_t position_ = 0;
  int64_t shuffled_epoch_ = -1;
  std::vector<int64_t> order_;
};

}  // namespace plumb

#endif  // PLUMB_TEXT_RANDOM_ORDER_H_
