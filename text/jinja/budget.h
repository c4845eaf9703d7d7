#ifndef PLUMB_TEXT_JINJA_BUDGET_H_
#define PLUMB_TEXT_JINJA_BUDGET_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace plumb::jinja {

// What one rendering may still spend, so that no template runs or grows without end: a step for each expression and
// statement, and one for each kBytesPerStep of text or list that an operation reads or makes. Memory is bounded by
// this, too: kMaxSteps * kBytesPerStep. Not thread-safe.
class Budget {
 public:
  static constexpr int64_t kMaxSteps = 10'000'000;
  static constexpr int64_t kBytesPerStep = 16;
  static constexpr int kMaxDepth = 400;

  // Errors of all: kResourceExhausted.
  absl::Status Spend(int64_t steps) {
    steps_ += steps;
    if (steps_ <= kMaxSteps) return absl::OkStatus();
    return absl::ResourceExhaustedError(absl::StrCat("the template takes more than ", kMaxSteps, " steps"));
  }
  absl::Status SpendBytes(int64_t bytes) { return Spend(bytes / kBytesPerStep); }
  absl::Status CheckDepth() const {
    if (depth_ <= kMaxDepth) return absl::OkStatus();
    return absl::ResourceExhaustedError(absl::StrCat("recursion deeper than ", kMaxDepth));
  }

  // Counts a level of recursion while it lives.
  class Level {
   public:
    explicit Level(Budget& budget) : budget_(budget) { ++budget_.depth_; }
    ~Level() { --budget_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    Budget& budget_;
  };

 private:
  int64_t steps_ = 0;
  int depth_ = 0;
};

}  // namespace plumb::jinja

#endif  // PLUMB_TEXT_JINJA_BUDGET_H_
