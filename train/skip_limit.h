#ifndef PLUMB_TRAIN_SKIP_LIMIT_H_
#define PLUMB_TRAIN_SKIP_LIMIT_H_

#include <cstdint>

#include "absl/status/status.h"

namespace plumb {

// Steps left out in a row, because a loss or gradient is not finite, after which a run stops: by then it is the weights
// that are broken, not a batch.
inline constexpr int kMaxSkippedInARow = 10;

// Counts steps that were left out. Not thread-safe.
class SkipLimit {
 public:
  explicit SkipLimit(int64_t total = 0) : total_(total) {}
  // Errors: kInternal at the step that reaches the limit.
  absl::Status Add(bool skipped);
  // For the end of a run: kInternal where every step since this was made was left out, so that nothing was trained.
  absl::Status AtEnd() const;
  int64_t total() const { return total_; }  // of the run

 private:
  int64_t total_;
  int in_a_row_ = 0;
  bool took_one_ = false;
};

}  // namespace plumb

#endif  // PLUMB_TRAIN_SKIP_LIMIT_H_
