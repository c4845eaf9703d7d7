#ifndef PLUMB_ROLLOUT_ROLLOUT_SERVICE_H_
#define PLUMB_ROLLOUT_ROLLOUT_SERVICE_H_

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
    uint64_t call = 0;        // which call opened it: an id may be used again
    RequestId engine_id = 0;  // 0: not yet with the engine
    bool cancelled = false;
  };

  absl::Status Accept(const proto::GenerateRequest& request, uint64_t call,
                      const std::shared_ptr<class GenerateStream>& stream);
  absl::Status Register(const std::string& request_id, uint64_t call, const std::vector<GroupRequest>& groups);
  void Forget(const std::string& request_id);
  // Ends a call whose client is gone; nothing where the id is another call's.
  void CancelCall(const std::string& request_id, uint64_t call);
  RequestId FindInEngine(const std::string& request_id, std::optional<uint64_t> call) const;

  EngineLoop* const loop_;
  proto::RolloutInfo info_;
  std::atomic<bool> refusing_{false};
  std::atomic<uint64_t> next_call_{1};

  mutable Mutex mutex_;
  std::map<std::string, Open> open_ GUARDED_BY(mutex_);
};

}  // namespace plumb

#endif  // PLUMB_ROLLOUT_ROLLOUT_SERVICE_H_
