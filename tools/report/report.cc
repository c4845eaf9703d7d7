#include "tools/report/report.h"

#include "base/file.h"
#include "base/status_macros.h"
#include "tools/report/report_page.h"
#include "tools/report/run_record.h"

namespace plumb {

absl::StatusOr<std::string> WriteReport(const std::string& run_folder) {
  ASSIGN_OR_RETURN(const RunRecord run, ReadRun(run_folder));
  const std::string path = JoinPath(run_folder, "report.html");
  RETURN_IF_ERROR(WriteFileAtomic(path, RenderReport(run)));
  return path;
}

}  // namespace plumb
