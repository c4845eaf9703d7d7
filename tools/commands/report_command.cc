#include <iostream>

#include "base/status_macros.h"
#include "tools/commands/commands.h"
#include "tools/report/report.h"

namespace plumb::cli {
namespace {

class Report : public Command {
 public:
  void Declare(OptionSet& options) override { options.Argument("RUN", run_, "Run folder with metrics.jsonl."); }

  absl::Status Run() override {
    ASSIGN_OR_RETURN(const std::string path, WriteReport(run_));
    std::cout << path << "\n";
    return absl::OkStatus();
  }

 private:
  std::string run_;
};

}  // namespace

CommandEntry ReportCommand() {
  return {.name = "report",
          .summary = "Write report.html of a run folder and print its path.",
          .details = "One static file: plots of the metrics, and sample completions with their rewards.",
          .example = "plumb report runs/demo/grpo",
          .make = [] { return std::make_unique<Report>(); }};
}

}  // namespace plumb::cli
