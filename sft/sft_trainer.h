#ifndef PLUMB_SFT_SFT_TRAINER_H_
#define PLUMB_SFT_SFT_TRAINER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/config.h"
#include "proto/config.pb.h"
#include "sft/sft_updater.h"
#include "text/dataset.h"
#include "text/random_order.h"
#include "train/metrics_writer.h"
#include "train/resume_point.h"
#include "train/run_folder.h"
#include "train/run_start.h"
#include "train/skip_limit.h"

namespace plumb {

// Runs the SFT stage of a resolved configuration to its end, or to an interrupt (kCancelled, with the state saved).
// Errors: as its parts; every message names the file, row or field. kInvalidArgument for a checkpoint of another
// machine, see CheckMachine().
absl::Status RunSft(const proto::SftConfig& config, const ConfigSources& sources, Resume resume);

inline constexpr char kSftStage[] = "sft";

// What the loop works with.
struct SftParts {
  std::unique_ptr<RunFolder> run;
  std::unique_ptr<MetricsWriter> metrics;
  PolicyWeights weights;          // to train
  std::vector<SftRow> rows;       // not empty
  std::vector<SftRow> eval_rows;  // empty: no evaluation
};

// Errors: kInvalidArgument for the state of another stage, seed or data set.
absl::Status CheckState(const TrainerState& state, const proto::SftConfig& config, const std::vector<SftRow>& rows);

// Supervised fine-tuning: maximises the likelihood of the trained tokens. Not thread-safe.
class SftTrainer {
 public:
  SftTrainer(const proto::SftConfig& config, SftParts parts);

  // Goes on from a state whose policy is the weights given at construction.
  // Errors: those of CheckState().
  absl::Status Restore(const TrainerState& state);

  // Trains until `config.steps` steps are done, with evaluation, metrics and checkpoints on the way.
  // Errors: kCancelled after an interrupt, with the state saved.
  absl::Status Run();

 private:
  absl::StatusOr<StepMetrics> Step();
  std::vector<const SftRow*> NextRows();
  absl::Status Evaluate(StepMetrics& metrics);
  absl::Status SaveCheckpoint();
  absl::Status StopForInterrupt();
  bool IsDue(int64_t every) const;

  const proto::SftConfig config_;
  const std::unique_ptr<RunFolder> run_;
  const std::unique_ptr<MetricsWriter> metrics_;
  const std::vector<SftRow> rows_;
  const RunIdentity identity_;  // written into every checkpoint
  const std::vector<SftRow> eval_rows_;
  PolicyWeights weights_;
  SftUpdater updater_;
  RandomOrder order_;
  int64_t step_ = 0;         // done
  int64_t saved_step_ = -1;  // of the newest checkpoint
  SkipLimit skips_;
};

}  // namespace plumb

#endif  // PLUMB_SFT_SFT_TRAINER_H_
