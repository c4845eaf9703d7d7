#include <iostream>

#include "absl/strings/str_format.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "tools/commands/commands.h"
#include "tools/models/folder_report.h"

namespace plumb::cli {
namespace {

class CheckpointVerify : public Command {
 public:
  void Declare(OptionSet& options) override {
    options.Argument("DIR", path_, "Model folder to read.");
    options.Flag("--json", json_, "Print one JSON object.");
  }

  absl::Status Run() override {
    ASSIGN_OR_RETURN(const FolderReport report, ReportFolder(path_));
    if (json_) {
      Json object = {{"model", path_}};
      for (const auto& [label, text] : report.lines) object[label] = text;
      object["problems"] = report.problems;
      std::cout << DumpJson(object) << "\n";
    } else {
      Print(report);
    }
    if (report.problems.empty()) return absl::OkStatus();
    const size_t count = report.problems.size();
    return absl::DataLossError(absl::StrCat(path_, ": ", count, count == 1 ? " problem" : " problems"));
  }

 private:
  static void Print(const FolderReport& report) {
    for (const auto& [label, text] : report.lines) std::cout << absl::StrFormat("%-12s %s\n", label, text);
    for (const std::string& problem : report.problems) std::cout << absl::StrFormat("%-12s %s\n", "PROBLEM", problem);
    if (report.problems.empty()) std::cout << "All is well.\n";
  }

  std::string path_;
  bool json_ = false;
};

}  // namespace

CommandEntry CheckpointVerifyCommand() {
  return {.name = "verify",
          .summary = "Say what a model folder is, and whether all is well with it.",
          .details =
              "Reads every file: configuration, names, shapes and types of all tensors, every weight for numbers that\n"
              "are not finite, tokenizer, chat template, checksums. Exit code 1 where something is wrong.",
          .example = "plumb checkpoint verify policy",
          .make = [] { return std::make_unique<CheckpointVerify>(); }};
}

}  // namespace plumb::cli
