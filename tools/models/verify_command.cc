#include <algorithm>
#include <iostream>

#include "absl/strings/str_format.h"
#include "base/json.h"
#include "base/printable_text.h"
#include "base/status_macros.h"
#include "tools/commands/commands.h"
#include "tools/models/folder_report.h"
#include "tools/models/problem_groups.h"

namespace plumb::cli {
namespace {

// More of them would hide the rest of the page; --json lists them.
constexpr size_t kShownGroups = 20;

class CheckpointVerify : public Command {
 public:
  void Declare(OptionSet& options) override {
    options.Argument("DIR", path_, "Model folder to read.");
    options.Flag("--json", json_, "Print one JSON object, with up to 1000 problems; the page shows 20 kinds.");
  }

  absl::Status Run() override {
    ASSIGN_OR_RETURN(const FolderReport report, ReportFolder(path_));
    if (json_) {
      Json object = {{"model", path_}};
      object["notes"] = Json::array();
      for (const auto& [label, text] : report.lines) {
        if (label == "note") {
          object["notes"].push_back(text);
        } else {
          object[label] = text;
        }
      }
      object["problems"] = report.problems;
      object["num_problems"] = report.num_problems;
      std::cout << DumpJson(object) << "\n";
    } else {
      Print(report);
    }
    const int64_t count = report.num_problems;
    if (count == 0) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat(path_, ": ", count, count == 1 ? " problem" : " problems"));
  }

 private:
  static void Print(const FolderReport& report) {
    for (const auto& [label, text] : report.lines) PrintLine(label, text);
    const std::vector<ProblemGroup> groups = GroupProblems(report.problems);
    int64_t more = report.num_problems;
    for (size_t i = 0; i < std::min(groups.size(), kShownGroups); ++i) {
      PrintLine("PROBLEM", groups[i].Text());
      more -= groups[i].count;
    }
    if (more > 0) PrintLine("PROBLEM", absl::StrCat("... and ", more, " more"));
    if (report.num_problems == 0) std::cout << "All is well.\n";
  }

  static void PrintLine(const std::string& label, const std::string& text) {
    std::cout << absl::StrFormat("%-12s %s\n", label, PrintableLine(text));
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
