#ifndef PLUMB_SFT_SFT_UPDATER_H_
#define PLUMB_SFT_SFT_UPDATER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "policy/weights.h"
#include "proto/config.pb.h"
#include "sft/sft_batch.h"
#include "train/adamw.h"

namespace plumb {

// What one optimizer step did.
struct SftUpdate {
  double loss = 0;       // nats per trained token, before the step
  double grad_norm = 0;  // before clipping
  bool skipped = false;  // the loss or a gradient was not finite; nothing was changed
};

// Trains the weights that it is given: loss, backward, clip, AdamW. Not thread-safe.
class SftUpdater {
 public:
  // Makes `weights`' trained buffers require gradients; they must outlive the updater.
  SftUpdater(PolicyWeights* weights, const proto::OptimizerConfig& config);

  // One step: Backward(), clip, AdamW; the gradients are dropped.
  // Errors of all: kResourceExhausted when memory runs out; kInternal.
  absl::StatusOr<SftUpdate> Update(const SftBatch& batch, double learning_rate);

  // Puts the gradients of the batch's loss in the place of those that the weights hold; returns the loss.
  absl::StatusOr<double> Backward(const SftBatch& batch);

  // The loss of a batch without training on it.
  absl::StatusOr<double> Evaluate(const SftBatch& batch);

  AdamW& optimizer() { return optimizer_; }

 private:
  PolicyWeights* const weights_;
  const double max_grad_norm_;
  AdamW optimizer_;
};

}  // namespace plumb

#endif  // PLUMB_SFT_SFT_UPDATER_H_
