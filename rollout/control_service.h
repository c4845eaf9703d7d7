#ifndef PLUMB_ROLLOUT_CONTROL_SERVICE_H_
#define PLUMB_ROLLOUT_CONTROL_SERVICE_H_

#include <memory>

#include "absl/status/status.h"
#include "base/mutex.h"
#include "policy/weights.h"
#include "proto/rollout.grpc.pb.h"
#include "rollout/engine_loop.h"
#include "rollout/weight_update.h"

namespace plumb {

// The control half of a worker: weights, pause, health. Thread-safe.
class RolloutControlImpl final : public proto::RolloutControl::CallbackService {
 public:
  // `loop` lives longer.
  RolloutControlImpl(EngineLoop* loop, WeightForm form) : loop_(loop), form_(std::move(form)) {}

  grpc::ServerUnaryReactor* BeginWeights(grpc::CallbackServerContext* context,
                                         const proto::BeginWeightsRequest* request,
                                         proto::BeginWeightsResponse* response) override;
  grpc::ServerReadReactor<proto::WeightChunk>* SendWeights(grpc::CallbackServerContext* context,
                                                           proto::SendWeightsResponse* response) override;
  grpc::ServerUnaryReactor* CommitWeights(grpc::CallbackServerContext* context,
                                          const proto::CommitWeightsRequest* request,
                                          proto::CommitWeightsResponse* response) override;
  grpc::ServerUnaryReactor* LoadWeights(grpc::CallbackServerContext* context, const proto::LoadWeightsRequest* request,
                                        proto::CommitWeightsResponse* response) override;
  grpc::ServerUnaryReactor* Pause(grpc::CallbackServerContext* context, const proto::PauseRequest* request,
                                  proto::PauseResponse* response) override;
  grpc::ServerUnaryReactor* Resume(grpc::CallbackServerContext* context, const proto::ResumeRequest* request,
                                   proto::ResumeResponse* response) override;
  grpc::ServerUnaryReactor* GetHealth(grpc::CallbackServerContext* context, const proto::HealthRequest* request,
                                      proto::HealthReport* response) override;

  // Writes one chunk into the update in progress. Errors: kFailedPrecondition for another update; those of
  // WeightUpdate.
  absl::Status Write(const proto::WeightChunk& chunk);
  uint64_t received_bytes() const;

 private:
  // Hands weights to the engine and waits for it until `deadline`.
  absl::Status Serve(PolicyWeights weights, const WeightVersion& version, absl::Time deadline,
                     proto::CommitWeightsResponse& response);
  absl::StatusOr<std::unique_ptr<WeightUpdate>> TakeUpdate(uint64_t update_id);

  EngineLoop* const loop_;
  const WeightForm form_;

  mutable Mutex mutex_;
  uint64_t update_id_ GUARDED_BY(mutex_) = 0;
  std::unique_ptr<WeightUpdate> update_ GUARDED_BY(mutex_);
};

}  // namespace plumb

#endif  // PLUMB_ROLLOUT_CONTROL_SERVICE_H_
