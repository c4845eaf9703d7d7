#include "tools/exit_code.h"

#include "absl/strings/cord.h"

namespace plumb::cli {
namespace {
constexpr char kEnvironmentPayload[] = "plumb/environment";
}  // namespace

absl::Status EnvironmentError(absl::Status status) {
  if (!status.ok()) status.SetPayload(kEnvironmentPayload, absl::Cord("1"));
  return status;
}

absl::Status NamedFileError(const absl::Status& status) {
  return absl::IsDataLoss(status) ? absl::InvalidArgumentError(status.message()) : status;
}

int ExitCodeOf(const absl::Status& status) {
  if (status.ok()) return kExitSuccess;
  if (status.GetPayload(kEnvironmentPayload).has_value()) return kExitEnvironment;
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
      return kExitUsage;
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kPermissionDenied:
      return kExitEnvironment;
    case absl::StatusCode::kCancelled:
      return kExitInterrupted;
    default:
      return kExitFailed;
  }
}

}  // namespace plumb::cli
