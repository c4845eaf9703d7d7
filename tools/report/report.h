#ifndef PLUMB_TOOLS_REPORT_REPORT_H_
#define PLUMB_TOOLS_REPORT_REPORT_H_

#include <string>

#include "absl/status/statusor.h"

namespace plumb {

// Writes RUN/report.html: one static page with headline numbers, plots and sample completions. Returns its path.
// Errors: kNotFound where the folder has no metrics.jsonl; kInvalidArgument for a damaged file, with its line.
absl::StatusOr<std::string> WriteReport(const std::string& run_folder);

}  // namespace plumb

#endif  // PLUMB_TOOLS_REPORT_REPORT_H_
