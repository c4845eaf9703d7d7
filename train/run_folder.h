#ifndef PLUMB_TRAIN_RUN_FOLDER_H_
#define PLUMB_TRAIN_RUN_FOLDER_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/json.h"

namespace plumb {

// What a checkpoint holds besides the policy: tensors (the optimizer's) and a small JSON object (positions, counters).
struct TrainerState {
  int64_t step = 0;
  Json values;
  std::map<std::string, at::Tensor> tensors;
};

// A run folder: config.yaml, log.txt, metrics.jsonl, tensorboard/, rollouts/, checkpoints/step-N/, checkpoints/latest,
// report.html. One process at a time has it open: run.lock is locked, and holds its process id. Not thread-safe.
class RunFolder {
 public:
  // Makes the folder, or opens it for `resume`: what a killed run was writing is removed, and `latest` is put right.
  // Errors: kAlreadyExists for a folder with a step's metrics or a checkpoint in it and no `resume` (the message says
  // what to do), and for one that another process has open; kNotFound for `resume` without a run.
  static absl::StatusOr<std::unique_ptr<RunFolder>> Open(const std::string& path, bool resume);

  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string File(const std::string& name) const;

  // checkpoints/step-N/ becomes a policy folder (written by `write_policy` into the folder it is given) with
  // trainer_state.safetensors and trainer_state.json beside; atomic, with a manifest; then `latest` is moved and the
  // oldest checkpoints beyond `keep` go, once the new one is verified.
  absl::Status SaveCheckpoint(const TrainerState& state, int keep,
                              const std::function<absl::Status(const std::string& folder)>& write_policy);

  // The path of the newest complete checkpoint; nothing where there is none.
  absl::StatusOr<std::optional<std::string>> LatestCheckpoint() const;

  // Reads the state beside a policy and verifies the manifest. Errors: kDataLoss, kNotFound.
  static absl::StatusOr<TrainerState> LoadTrainerState(const std::string& checkpoint);

 private:
  RunFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  const std::string path_;
  const int lock_;  // descriptor of run.lock
};

}  // namespace plumb

#endif  // PLUMB_TRAIN_RUN_FOLDER_H_
