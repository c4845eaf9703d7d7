#ifndef PLUMB_ROLLOUT_WORKER_POOL_H_
#define PLUMB_ROLLOUT_WORKER_POOL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "rollout/generator.h"
#include "rollout/group_collector.h"
#include "rollout/worker_client.h"

namespace plumb {

// Shares the groups of a call out to workers: pure logic. Each worker gets groups in turn, the heaviest first, so that
// the expected tokens are even.
//
//   weights  [groups] expected tokens
//   returns  [workers] indices of the groups of each worker, ascending
std::vector<std::vector<int64_t>> ShareOut(const std::vector<int64_t>& weights, int64_t num_workers);

// Why a worker does not compute the bits that this process computes with `weights`: another device, compute type or
// instruction set. Empty where there is no reason, and for what the worker does not tell.
std::string WhyBitsDiffer(const proto::RolloutInfo& worker, const PolicyWeights& weights);

// Workers over gRPC as one generator; see ConnectWorkers() in rollout/generator.h. Not thread-safe.
class WorkerPool : public Generator {
 public:
  WorkerPool(std::vector<std::unique_ptr<WorkerClient>> workers, GenerationProgress progress,
             absl::Duration publish_timeout);

  absl::StatusOr<std::vector<RolloutGroup>> Generate(absl::Span<const GroupRequest> requests,
                                                     const SamplingOptions& sampling, absl::Time deadline) override;
  absl::Status PublishWeights(const PolicyWeights& weights, const std::string& incarnation, uint64_t step) override;
  std::string Describe() const override;

 private:
  struct Worker {
    std::unique_ptr<WorkerClient> client;
    absl::Status lost;  // why it is not used any more
  };
  struct Call;

  std::vector<Worker*> AliveWorkers();
  absl::Status LostError() const;
  absl::Status GenerateOn(Worker& worker, const std::vector<int64_t>& groups, Call& call);
  absl::Status Take(const proto::GenerateTick& tick, const std::vector<int64_t>& groups, Call& call);
  absl::Status CheckVersion(const proto::WeightVersion& found) const;
  absl::Status RunRound(const std::vector<int64_t>& groups, Call& call);
  // Marks a worker whose connection or process is gone, and tells the log; other errors are returned.
  absl::Status LoseOrFail(Worker& worker, const absl::Status& status);
  void WarnOfOtherBits(const PolicyWeights& weights) const;
  absl::Status SendToAll(const PolicyWeights& weights, const WeightVersion& version,
                         const std::string& shared_memory_path);

  std::vector<Worker> workers_;
  const GenerationProgress progress_;
  const absl::Duration publish_timeout_;
  std::optional<WeightVersion> published_;
};

}  // namespace plumb

#endif  // PLUMB_ROLLOUT_WORKER_POOL_H_
