#ifndef PLUMB_TOOLS_REPORT_RUN_RECORD_H_
#define PLUMB_TOOLS_REPORT_RUN_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tools/report/line_plot.h"

namespace plumb {

// One completion of a step.
struct SampleRecord {
  std::string row_id;
  std::string prompt;
  std::string completion;
  std::optional<double> reward;  // nothing where there is no score
  double advantage = 0;
  std::string outcome;
  std::string message;
  std::string finish_reason;
};

// One held-out answer.
struct EvalRecord {
  std::string row_id;
  std::string prompt;
  std::string completion;
  bool correct = false;
};

// What a report shows of a run folder.
struct RunRecord {
  std::string name;    // the folder's path as it was given
  std::string config;  // config.yaml
  std::string stage;   // "SFT" or "GRPO", by the configuration's keys; empty where it has neither's
  std::string model;   // what the run started from
  std::string date;    // "2026-11-25", UTC, of the first line of log.txt
  std::vector<std::pair<std::string, Curve>>
      metrics;  // in the order they first appear; points without a number left out
  int64_t last_step = 0;

  // The first and the last step of which the folder has samples; the same where there is one alone.
  int64_t first_sample_step = 0, last_sample_step = 0;
  std::vector<SampleRecord> first_samples, last_samples;
  int64_t first_eval_step = 0, last_eval_step = 0;
  std::vector<EvalRecord> first_eval, last_eval;
};

// The curve of a metric; empty where the run has none of that name.
const Curve& MetricCurve(const RunRecord& run, absl::string_view key);

// Metrics of the lines of metrics.jsonl. A last line without an end is left out: a killed run may leave half a line.
// Errors: kInvalidArgument naming `what` and the line.
absl::Status AddMetricLines(absl::string_view lines, absl::string_view what, RunRecord& run);

absl::StatusOr<std::vector<SampleRecord>> ParseSamples(absl::string_view lines, absl::string_view what);
absl::StatusOr<std::vector<EvalRecord>> ParseEvals(absl::string_view lines, absl::string_view what);

// Reads a run folder. The sample log and config.yaml may be missing.
// Errors: kNotFound where there is no metrics.jsonl; kInvalidArgument for a damaged file, with its line.
absl::StatusOr<RunRecord> ReadRun(const std::string& run_folder);

}  // namespace plumb

#endif  // PLUMB_TOOLS_REPORT_RUN_RECORD_H_
