#include "train/resume_point.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/file.h"
#include "base/status_macros.h"

namespace plumb {
namespace {

constexpr char kFile[] = "trainer_state.json";

std::vector<std::string> Differences(const RunIdentity& saved, const RunIdentity& run) {
  std::vector<std::string> differences;
  if (saved.stage != run.stage) differences.push_back(absl::StrCat("it is of ", saved.stage, ", not of ", run.stage));
  if (saved.seed != run.seed) differences.push_back(absl::StrCat("its seed is ", saved.seed, ", not ", run.seed));
  if (saved.data_digest != run.data_digest) differences.push_back("its data rows are others than those of data.file");
  return differences;
}

}  // namespace

std::string AddRowToDigest(absl::string_view digest, absl::string_view id, absl::Span<const int64_t> ids) {
  return Sha256Hex(absl::StrCat(digest, "|", id.size(), "|", id, "|", absl::StrJoin(ids, ",")));
}

Json ToJson(const ResumePoint& point) {
  return {{"stage", point.run.stage},
          {"seed", point.run.seed},
          {"data_digest", point.run.data_digest},
          {"machine", ToJson(point.run.machine)},
          {"position", point.position},
          {"skipped_steps", point.skipped_steps},
          {"optimizer_steps", point.optimizer_steps}};
}

absl::StatusOr<ResumePoint> ReadResumePoint(const Json& values, const RunIdentity& run) {
  ResumePoint point;
  ASSIGN_OR_RETURN(point.run.stage, JsonString(values, "stage", kFile));
  ASSIGN_OR_RETURN(point.run.seed, JsonInt(values, "seed", kFile));
  ASSIGN_OR_RETURN(point.run.data_digest, JsonString(values, "data_digest", kFile));
  const std::vector<std::string> differences = Differences(point.run, run);
  if (!differences.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the checkpoint does not belong to this configuration: ", absl::StrJoin(differences, "; ")));
  }
  ASSIGN_OR_RETURN(point.position, JsonInt(values, "position", kFile));
  ASSIGN_OR_RETURN(point.skipped_steps, JsonInt(values, "skipped_steps", kFile));
  ASSIGN_OR_RETURN(point.optimizer_steps, JsonInt(values, "optimizer_steps", kFile));
  return point;
}

}  // namespace plumb
