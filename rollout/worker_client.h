#ifndef PLUMB_ROLLOUT_WORKER_CLIENT_H_
#define PLUMB_ROLLOUT_WORKER_CLIENT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "policy/weights.h"
#include "proto/config.pb.h"
#include "proto/rollout.grpc.pb.h"
#include "rollout/generation.h"

namespace plumb {

// One worker, seen from the trainer. Calls of different methods may run at the same time, each method in one thread.
class WorkerClient {
 public:
  using TickSink = std::function<absl::Status(const proto::GenerateTick& tick)>;

  // Connects to both services, asks one for the worker's info and the other for its health.
  // Errors: kInvalidArgument for what is no address; kDeadlineExceeded; kUnavailable; kUnimplemented where the
  // addresses are swapped or of another program; kFailedPrecondition for another api_version. Each names the worker.
  static absl::StatusOr<std::unique_ptr<WorkerClient>> Connect(const proto::WorkerAddress& worker, absl::Time deadline);

  // Calls `sink` for each message of the stream. Errors: the call's status, or the sink's; each names the worker.
  absl::Status Generate(const proto::GenerateRequest& request, const TickSink& sink, absl::Time deadline);

  // Ends the Generate() in progress in another thread, if there is one, with kCancelled.
  void CancelGenerate();

  // Sends weights and waits until the worker serves them: through a file that both sides map where it runs on this
  // machine and finds the file, else in chunks. `shared_memory_path` is that file, already written, or empty.
  absl::Status SendWeights(const PolicyWeights& weights, const WeightVersion& version,
                           const std::string& shared_memory_path, absl::Time deadline);

  const std::string& name() const { return name_; }
  const std::string& control_address() const { return control_address_; }
  const proto::RolloutInfo& info() const { return info_; }
  // Whether the worker's address is loopback or a Unix socket.
  bool is_local() const { return is_local_; }

 private:
  WorkerClient() = default;
  absl::Status ConnectData(const proto::WorkerAddress& worker, absl::Time deadline);
  absl::Status ConnectControl(absl::Time deadline);
  absl::Status SendOver(const std::string& shared_memory_path, const PolicyWeights& weights,
                        const WeightVersion& version, absl::Time deadline);
  absl::Status SendChunks(const PolicyWeights& weights, uint64_t update_id, absl::Time deadline);
  absl::Status Named(const absl::Status& status) const;

  std::string name_;
  std::string control_address_;
  bool is_local_ = false;
  proto::RolloutInfo info_;
  std::unique_ptr<proto::RolloutService::Stub> data_;
  std::unique_ptr<proto::RolloutControl::Stub> control_;

  Mutex mutex_;
  grpc::ClientContext* generating_ GUARDED_BY(mutex_) = nullptr;  // of the Generate() in progress
};

}  // namespace plumb

#endif  // PLUMB_ROLLOUT_WORKER_CLIENT_H_
