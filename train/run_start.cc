#include "train/run_start.h"

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace plumb {
namespace {

constexpr char kConfig[] = "config.yaml";

// A value that is changed in the middle of a run is allowed, and must be seen.
void LogChangedValues(const google::protobuf::Message& config, const RunStart& start) {
  const std::unique_ptr<google::protobuf::Message> before(config.New());
  const absl::Status read = LoadConfig(start.run->File(kConfig), {}, *before).status();
  if (!read.ok()) {
    LogWarning(start.stage, "the run's earlier configuration cannot be compared: ", read.message());
    return;
  }
  for (const std::string& difference : ConfigDifferences(*before, config)) {
    LogWarning(start.stage, "changed since the run began: ", difference);
  }
}

}  // namespace

absl::StatusOr<RunStart> FindStart(const std::string& stage, const std::string& output, const std::string& model,
                                   Resume resume) {
  RunStart start{.stage = stage, .output = output, .policy = model};
  if (resume == Resume::kNo) return start;
  ASSIGN_OR_RETURN(start.run, RunFolder::Open(output, /*resume=*/true));
  ASSIGN_OR_RETURN(const std::optional<std::string> checkpoint, start.run->LatestCheckpoint());
  if (!checkpoint.has_value()) return start;
  ASSIGN_OR_RETURN(start.state, RunFolder::LoadTrainerState(*checkpoint));
  start.policy = *checkpoint;
  return start;
}

absl::StatusOr<std::unique_ptr<MetricsWriter>> BeginRecords(const google::protobuf::Message& config,
                                                            const ConfigSources& sources, RunStart& start) {
  const bool goes_on = start.run != nullptr;
  if (!goes_on) {
    ASSIGN_OR_RETURN(start.run, RunFolder::Open(start.output, /*resume=*/false));
  }
  RETURN_IF_ERROR(AddLogFile(start.run->File("log.txt")));
  if (goes_on) {
    LogInfo(start.stage, start.state.has_value() ? absl::StrCat("going on from ", start.policy)
                                                 : std::string("no checkpoint yet, starting from the model"));
    if (FileExists(start.run->File(kConfig))) LogChangedValues(config, start);
  }
  RETURN_IF_ERROR(WriteFileAtomic(start.run->File(kConfig), FormatConfig(config, sources)));
  return MetricsWriter::Open(start.run->path(), start.step());
}

}  // namespace plumb
