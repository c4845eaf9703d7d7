#include "train/skip_limit.h"

#include "absl/strings/str_cat.h"

namespace plumb {

absl::Status SkipLimit::Add(bool skipped) {
  in_a_row_ = skipped ? in_a_row_ + 1 : 0;
  total_ += skipped ? 1 : 0;
  took_one_ = took_one_ || !skipped;
  if (in_a_row_ < kMaxSkippedInARow) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the last ", in_a_row_,
                                          " optimizer steps were skipped, since the loss or a gradient was not finite: "
                                          "the weights or the learning rate are broken"));
}

absl::Status SkipLimit::AtEnd() const {
  if (took_one_ || in_a_row_ == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("nothing was trained: each of the ", in_a_row_,
                                          " optimizer steps was skipped, since the loss or a gradient was not finite: "
                                          "the model's weights or the learning rate are broken"));
}

}  // namespace plumb
