#ifndef PLUMB_BASE_LOG_H_
#define PLUMB_BASE_LOG_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

// Logs to stderr (results go to stdout) and, once AddLogFile was called, to a file. Built on spdlog; its header stays
// in the source file. Thread-safe.
namespace plumb {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

// Writes one line: UTC time, level, component, message. `component` is the folder, such as "rollout".
void LogLine(LogLevel level, absl::string_view component, absl::string_view message);

template <typename... Parts>
void LogInfo(absl::string_view component, const Parts&... parts) {
  LogLine(LogLevel::kInfo, component, absl::StrCat(parts...));
}
template <typename... Parts>
void LogWarning(absl::string_view component, const Parts&... parts) {
  LogLine(LogLevel::kWarning, component, absl::StrCat(parts...));
}
template <typename... Parts>
void LogError(absl::string_view component, const Parts&... parts) {
  LogLine(LogLevel::kError, component, absl::StrCat(parts...));
}

// Writes a line to the log files alone: for what a person has been told in another way.
void LogToFiles(LogLevel level, absl::string_view component, absl::string_view message);

// Also appends every line to `path`, all levels.
// Errors: kPermissionDenied or kNotFound when the file cannot be opened.
absl::Status AddLogFile(const std::string& path);

// Lines below `level` are not printed on stderr. Default: kInfo.
void SetLogLevel(LogLevel level);

}  // namespace plumb

#endif  // PLUMB_BASE_LOG_H_
