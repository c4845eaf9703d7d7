#ifndef PLUMB_TOOLS_REPORT_PLOT_SECTION_H_
#define PLUMB_TOOLS_REPORT_PLOT_SECTION_H_

#include <string>

#include "tools/report/run_record.h"

namespace plumb {

// The plots of a run as HTML: known metrics in the order in which one reads a run, then every other metric by itself.
std::string PlotsHtml(const RunRecord& run);

}  // namespace plumb

#endif  // PLUMB_TOOLS_REPORT_PLOT_SECTION_H_
