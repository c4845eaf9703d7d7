#include "train/metrics_writer.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "train/tensorboard_writer.h"

namespace plumb {
namespace {

std::string FormatLine(int64_t step, const StepMetrics& metrics) {
  Json line;
  line["step"] = step;
  for (const auto& [name, value] : metrics) line[name] = std::isfinite(value) ? Json(value) : Json(nullptr);
  return DumpJson(line) + "\n";
}

// The lines of steps up to `last_step`. A last line without its end is what a killed run was writing.
absl::StatusOr<std::string> KeepSteps(absl::string_view text, int64_t last_step, const std::string& path) {
  std::string kept;
  int64_t number = 0;
  while (true) {
    const size_t end = text.find('\n');
    if (end == absl::string_view::npos) return kept;
    const std::string where = absl::StrCat(path, ":", ++number);
    ASSIGN_OR_RETURN(const Json line, ParseJson(text.substr(0, end), where));
    ASSIGN_OR_RETURN(const int64_t step, JsonInt(line, "step", where));
    if (step <= last_step) absl::StrAppend(&kept, text.substr(0, end + 1));
    text.remove_prefix(end + 1);
  }
}

class RunMetricsWriter : public MetricsWriter {
 public:
  RunMetricsWriter(std::string path, std::unique_ptr<TensorBoardWriter> tensorboard)
      : path_(std::move(path)), tensorboard_(std::move(tensorboard)) {}

  absl::Status Write(int64_t step, const StepMetrics& metrics) override {
    RETURN_IF_ERROR(AppendToFile(path_, FormatLine(step, metrics)));
    return tensorboard_->Write(step, metrics);
  }

 private:
  const std::string path_;
  const std::unique_ptr<TensorBoardWriter> tensorboard_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsWriter>> MetricsWriter::Open(const std::string& run_folder, int64_t resume_step) {
  const std::string path = JoinPath(run_folder, "metrics.jsonl");
  const std::string tensorboard_folder = JoinPath(run_folder, "tensorboard");
  RETURN_IF_ERROR(MakeFolder(tensorboard_folder));
  std::string kept;
  if (resume_step >= 0 && FileExists(path)) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
    ASSIGN_OR_RETURN(kept, KeepSteps(text, resume_step, path));
  }
  RETURN_IF_ERROR(WriteFileAtomic(path, kept));
  ASSIGN_OR_RETURN(std::unique_ptr<TensorBoardWriter> tensorboard,
                   TensorBoardWriter::Create(tensorboard_folder, resume_step + 1));
  return std::make_unique<RunMetricsWriter>(path, std::move(tensorboard));
}

}  // namespace plumb
