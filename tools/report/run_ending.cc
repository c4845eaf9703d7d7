#include "tools/report/run_ending.h"

#include <sys/stat.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/log.h"
#include "tools/report/report.h"

namespace plumb {
namespace {

// Changes whenever the file is written; empty where there is none.
std::string FileMark(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return "";
  return absl::StrCat(status.st_ino, " ", status.st_size, " ", status.st_mtim.tv_sec, " ", status.st_mtim.tv_nsec);
}

std::string MetricsMark(const std::string& run_folder) { return FileMark(JoinPath(run_folder, "metrics.jsonl")); }

// The newest checkpoint, by its own name; empty where there is none.
std::string NewestCheckpoint(const std::string& run_folder) {
  const std::string folder = JoinPath(run_folder, "checkpoints");
  std::error_code error;
  const std::filesystem::path target = std::filesystem::read_symlink(JoinPath(folder, "latest"), error);
  return error ? "" : JoinPath(folder, target.filename().string());
}

}  // namespace

RunEnding::RunEnding(std::string run_folder) : run_folder_(std::move(run_folder)), before_(MetricsMark(run_folder_)) {}

absl::Status RunEnding::Finish(absl::Status run) const {
  const std::string after = MetricsMark(run_folder_);
  if (after.empty() || (!run.ok() && after == before_)) return run;
  const std::string checkpoint = NewestCheckpoint(run_folder_);
  if (!checkpoint.empty()) LogInfo("plumb", "the newest checkpoint is ", checkpoint);
  const absl::StatusOr<std::string> report = WriteReport(run_folder_);
  if (report.ok()) {
    LogInfo("plumb", "the report is ", *report);
  } else {
    LogWarning("plumb", "no report: ", report.status().message());
  }
  return run;
}

}  // namespace plumb
