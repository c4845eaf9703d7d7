#ifndef PLUMB_TOOLS_REPORT_REPORT_PAGE_H_
#define PLUMB_TOOLS_REPORT_REPORT_PAGE_H_

#include <string>

#include "tools/report/run_record.h"

namespace plumb {

// A whole HTML page: headline numbers, plots, samples, configuration. It refers to nothing outside itself, and texts of
// the run (prompts, completions, messages, configuration) are escaped.
std::string RenderReport(const RunRecord& run);

}  // namespace plumb

#endif  // PLUMB_TOOLS_REPORT_REPORT_PAGE_H_
