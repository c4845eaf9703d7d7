#ifndef PLUMB_TRAIN_TENSORBOARD_WRITER_H_
#define PLUMB_TRAIN_TENSORBOARD_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "train/metrics_writer.h"

namespace plumb {

// Writes one TensorBoard event file. A record is a length, its masked CRC-32C, an Event message, its masked CRC-32C;
// each step is one record, appended in one write, so that a reader never meets half of a step for long. Not
// thread-safe. Source: tensorboard's event.proto and summary.proto, and TensorFlow's record format.
class TensorBoardWriter {
 public:
  // Starts a new file events.out.tfevents.SECONDS.HOST.PID.N in `folder`, which must exist. `first_step` is the first
  // step of this session: TensorBoard drops what earlier files of the folder have from there on.
  static absl::StatusOr<std::unique_ptr<TensorBoardWriter>> Create(const std::string& folder, int64_t first_step);

  // Adds a scalar per metric.
  absl::Status Write(int64_t step, const StepMetrics& metrics);

  const std::string& path() const { return path_; }

 private:
  explicit TensorBoardWriter(std::string path) : path_(std::move(path)) {}
  const std::string path_;
};

}  // namespace plumb

#endif  // PLUMB_TRAIN_TENSORBOARD_WRITER_H_
