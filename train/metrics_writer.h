#ifndef PLUMB_TRAIN_METRICS_WRITER_H_
#define PLUMB_TRAIN_METRICS_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace plumb {

// One step's metrics in the order they are shown. Keys as docs/metrics.md lists them: "reward/mean".
using StepMetrics = std::vector<std::pair<std::string, double>>;

// Writes a run folder's metrics.jsonl (one object a step: {"step": 3, "loss": 0.5, ...}; non-finite numbers are null)
// and its TensorBoard event files. Not thread-safe.
class MetricsWriter {
 public:
  // Opens RUN/metrics.jsonl and RUN/tensorboard/. Lines of steps after `resume_step` are cut away (-1: keep none).
  static absl::StatusOr<std::unique_ptr<MetricsWriter>> Open(const std::string& run_folder, int64_t resume_step);
  virtual ~MetricsWriter() = default;
  virtual absl::Status Write(int64_t step, const StepMetrics& metrics) = 0;
};

}  // namespace plumb

#endif  // PLUMB_TRAIN_METRICS_WRITER_H_
