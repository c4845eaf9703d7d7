#ifndef PLUMB_ROLLOUT_ROLLOUT_SERVICE_H_
#define PLUMB_ROLLOUT_ROLLOUT_SERVICE_H_

#include <atomic>
#include <map>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "proto/rollout.grpc.pb.h"
#include "rollout/engine_loop.h"

namespace plumb {

// The data half of a worker: Generate, Cancel, GetInfo. Converts and hands over to the engine's loop. Thread-safe.
class RolloutServiceImpl final : public proto::RolloutService::CallbackService {
 public:
  // `loop` lives longer. `info` has what does not change.
  RolloutServiceImpl(EngineLoop* loop, proto::RolloutInfo info) : loop_(loop), info_(std::move(info)) {}

  void set_control_address(const std::string& address) { info_.set_control_address(address); }
  // New calls are refused with UNAVAILABLE.
  void Refuse() { refusing_ = true; }
  // Calls in progress.
  int64_t num_open() const;

  grpc::ServerWriteReactor<proto::GenerateTick>* Generate(grpc::CallbackServerContext* context,
                                                          const proto::GenerateRequest* request) override;
  grpc::ServerUnaryReactor* Cancel(grpc::CallbackServerContext* context, const proto::CancelRequest* request,
                                   proto::CancelResponse* response) override;
  grpc::ServerUnaryReactor* GetInfo(grpc::CallbackServerContext* context, const proto::RolloutInfoRequest* request,
                                    proto::RolloutInfo* response) override;

 private:
  // What is known of a request by its id.
  struct Open {
    std::vector<std::string> group_ids;
    RequestId engine_id = 0;  // 0: not yet with the engine
    bool cancelled = false;
  };

  absl::Status Accept(const proto::GenerateRequest& request, const std::shared_ptr<class GenerateStream>& stream);
  absl::Status Register(const std::string& request_id, const std::vector<GroupRequest>& groups);
  void Forget(const std::string& request_id);
  void CancelRequest(const std::string& request_id);
  int64_t CancelInEngine(Engine& engine, const std::string& request_id, std::optional<int64_t> group);

  EngineLoop* const loop_;
  proto::RolloutInfo info_;
  std::atomic<bool> refusing_{false};

  mutable Mutex mutex_;
  std::map<std::string, Open> open_ GUARDED_BY(mutex_);
};

}  // namespace plumb

#endif  // PLUMB_ROLLOUT_ROLLOUT_SERVICE_H_
