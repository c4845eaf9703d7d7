#ifndef PLUMB_TOOLS_REPORT_HEADLINE_H_
#define PLUMB_TOOLS_REPORT_HEADLINE_H_

#include <string>

#include "tools/report/run_record.h"

namespace plumb {

// The row of large numbers on top of a report, as HTML: each with what it was at the start where that says something.
std::string HeadlineHtml(const RunRecord& run);

}  // namespace plumb

#endif  // PLUMB_TOOLS_REPORT_HEADLINE_H_
