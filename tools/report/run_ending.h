#ifndef PLUMB_TOOLS_REPORT_RUN_ENDING_H_
#define PLUMB_TOOLS_REPORT_RUN_ENDING_H_

#include <string>

#include "absl/status/status.h"

namespace plumb {

// What `sft` and `grpo` leave behind in a run folder, however the run ended. Made before the run.
class RunEnding {
 public:
  explicit RunEnding(std::string run_folder);

  // Where the run recorded a step, writes report.html and logs where it and the newest checkpoint are. A report that
  // cannot be written is a warning. Returns `run`, how the run ended.
  absl::Status Finish(absl::Status run) const;

 private:
  const std::string run_folder_;
  const std::string before_;  // what metrics.jsonl was
};

}  // namespace plumb

#endif  // PLUMB_TOOLS_REPORT_RUN_ENDING_H_
