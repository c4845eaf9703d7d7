#ifndef PLUMB_TOOLS_MODELS_FOLDER_REPORT_H_
#define PLUMB_TOOLS_MODELS_FOLDER_REPORT_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "policy/model_config.h"

namespace plumb::cli {

// What a model folder is, in lines of a label and a text, and what is wrong with it.
struct FolderReport {
  std::vector<std::pair<std::string, std::string>> lines;
  static constexpr size_t kMaxProblems = 1000;
  std::vector<std::string> problems;  // the first kMaxProblems
  int64_t num_problems = 0;           // 0: all is well

  void AddProblem(absl::string_view problem);
};

// Reads a model folder from end to end: configuration, tensors and the finiteness of every weight, tokenizer, chat
// template, checksums. Nothing of it is loaded as a whole.
// Errors: kNotFound where there is no such folder.
absl::StatusOr<FolderReport> ReportFolder(const std::string& path);

// The part of it about the tokenizer and the chat template of a folder with this configuration.
FolderReport ReportText(const std::string& path, const ModelConfig& config);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_MODELS_FOLDER_REPORT_H_
