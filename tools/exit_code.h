#ifndef PLUMB_TOOLS_EXIT_CODE_H_
#define PLUMB_TOOLS_EXIT_CODE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace plumb::cli {

inline constexpr int kExitSuccess = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;        // the command line, a configuration or a file that it names
inline constexpr int kExitEnvironment = 3;  // what the machine lacks: a GPU, a free port, disk, memory
inline constexpr int kExitInterrupted = 130;

// Marks an error as the environment's fault; the code and the message are kept.
absl::Status EnvironmentError(absl::Status status);

// Of reading a file that the command line names: one that is damaged (kDataLoss) is the command line's,
// kInvalidArgument.
absl::Status NamedFileError(const absl::Status& status);
template <typename T>
absl::StatusOr<T> NamedFileError(absl::StatusOr<T> read) {
  if (read.ok()) return read;
  return NamedFileError(read.status());
}

// The exit code of a command that ends with `status`. kInvalidArgument, kNotFound and kAlreadyExists are usage;
// kResourceExhausted, kPermissionDenied and what EnvironmentError() marked are the environment; kCancelled is an
// interrupt; anything else is a failed run.
int ExitCodeOf(const absl::Status& status);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_EXIT_CODE_H_
