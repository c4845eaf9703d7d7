#include "train/resume_point.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace plumb {

Json ToJson(const ResumePoint& point) {
  return {{"num_rows", point.num_rows},
          {"seed", point.seed},
          {"position", point.position},
          {"skipped_steps", point.skipped_steps},
          {"optimizer_steps", point.optimizer_steps}};
}

absl::StatusOr<ResumePoint> ReadResumePoint(const Json& values, int64_t num_rows, int64_t seed) {
  constexpr char kWhat[] = "trainer_state.json";
  ResumePoint point;
  ASSIGN_OR_RETURN(point.num_rows, JsonInt(values, "num_rows", kWhat));
  ASSIGN_OR_RETURN(point.seed, JsonInt(values, "seed", kWhat));
  ASSIGN_OR_RETURN(point.position, JsonInt(values, "position", kWhat));
  ASSIGN_OR_RETURN(point.skipped_steps, JsonInt(values, "skipped_steps", kWhat));
  ASSIGN_OR_RETURN(point.optimizer_steps, JsonInt(values, "optimizer_steps", kWhat));
  if (point.num_rows != num_rows || point.seed != seed) {
    return absl::FailedPreconditionError(absl::StrCat("the checkpoint is of a run with seed ", point.seed, " over ",
                                                      point.num_rows, " rows, this one has seed ", seed, " and ",
                                                      num_rows, " rows; resume with the same data and seed"));
  }
  return point;
}

}  // namespace plumb
