#ifndef PLUMB_TRAIN_RUN_START_H_
#define PLUMB_TRAIN_RUN_START_H_

#include <google/protobuf/message.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/config.h"
#include "train/metrics_writer.h"
#include "train/run_folder.h"

namespace plumb {

// Whether a run goes on where it ended, and where that may be.
enum class Resume { kNo, kOnSameMachine, kOnAnyMachine };

// What a run starts from.
struct RunStart {
  std::string stage;                  // "sft", "grpo"
  std::string output;                 // the run folder's path
  std::string policy;                 // policy folder: the configured model, or the checkpoint to go on from
  std::optional<TrainerState> state;  // of that checkpoint
  std::unique_ptr<RunFolder> run;     // opened where the run goes on

  int64_t step() const { return state.has_value() ? state->step : -1; }
};

// Finds out what to start from, without changing a file of an earlier run: for `resume` the newest checkpoint of the
// folder `output` (the model where there is none yet), else the model.
// CheckMachine() is the caller's, once its threads are set.
// Errors: those of RunFolder::Open(); kDataLoss for a damaged checkpoint.
absl::StatusOr<RunStart> FindStart(const std::string& stage, const std::string& output, const std::string& model,
                                   Resume resume);

// Opens the run folder and its log.txt, writes config.yaml, and takes back what metrics.jsonl has of later steps.
// Values that differ from those of the run so far are logged, one a line.
absl::StatusOr<std::unique_ptr<MetricsWriter>> BeginRecords(const google::protobuf::Message& config,
                                                            const ConfigSources& sources, RunStart& start);

}  // namespace plumb

#endif  // PLUMB_TRAIN_RUN_START_H_
