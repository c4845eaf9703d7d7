#ifndef PLUMB_TRAIN_RESUME_POINT_H_
#define PLUMB_TRAIN_RESUME_POINT_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/json.h"
#include "train/run_machine.h"

namespace plumb {

// Adds a data row to the digest of a data set: its id and its token ids. Start with an empty text.
std::string AddRowToDigest(absl::string_view digest, absl::string_view id, absl::Span<const int64_t> ids);

// What a run must find the same when it goes on.
struct RunIdentity {
  std::string stage;        // "sft", "grpo"
  int64_t seed = 0;         // of the run
  std::string data_digest;  // of all rows, by AddRowToDigest()
  RunMachine machine;       // that it runs on; CheckMachine() compares it
};

// Where a training stage stands, besides its tensors: the members of trainer_state.json that every stage has.
struct ResumePoint {
  RunIdentity run;
  int64_t position = 0;         // rows drawn by the finished steps
  int64_t skipped_steps = 0;    // for a loss or gradient that was not finite
  int64_t optimizer_steps = 0;  // taken
};

Json ToJson(const ResumePoint& point);

// Reads a point back for a run; other members of `values` are left alone.
// Errors: kInvalidArgument for a missing member, and for another stage, seed or data set, saying which.
absl::StatusOr<ResumePoint> ReadResumePoint(const Json& values, const RunIdentity& run);

}  // namespace plumb

#endif  // PLUMB_TRAIN_RESUME_POINT_H_
