#ifndef PLUMB_TRAIN_RESUME_POINT_H_
#define PLUMB_TRAIN_RESUME_POINT_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "base/json.h"

namespace plumb {

// Where a training stage stands, besides its tensors: the numbers of trainer_state.json that every stage has.
struct ResumePoint {
  int64_t num_rows = 0;         // of the data set
  int64_t seed = 0;             // of the run
  int64_t position = 0;         // rows drawn since the start
  int64_t skipped_steps = 0;    // for a loss or gradient that was not finite
  int64_t optimizer_steps = 0;  // taken
};

Json ToJson(const ResumePoint& point);

// Reads a point back, for a stage with `num_rows` rows and `seed`; other members of `values` are left alone.
// Errors: kInvalidArgument for a missing member; kFailedPrecondition where the run had other rows or another seed.
absl::StatusOr<ResumePoint> ReadResumePoint(const Json& values, int64_t num_rows, int64_t seed);

}  // namespace plumb

#endif  // PLUMB_TRAIN_RESUME_POINT_H_
