#ifndef PLUMB_ROLLOUT_WORKER_H_
#define PLUMB_ROLLOUT_WORKER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "policy/weights.h"
#include "proto/config.pb.h"
#include "text/text_codec.h"

namespace plumb {

struct WorkerOptions {
  std::string address;          // RolloutService: "127.0.0.1:0", "unix:/path"
  std::string control_address;  // RolloutControl
  bool allow_remote = false;    // listen on an address that is not loopback
  proto::EngineConfig engine;
  at::Device device = at::kCPU;
};

// A rollout worker: the engine and its two gRPC services. Thread-safe after Start().
class RolloutWorker {
 public:
  // `codec` may be null. Errors: kUnavailable when an address is taken; kResourceExhausted for the cache.
  static absl::StatusOr<std::unique_ptr<RolloutWorker>> Start(PolicyWeights weights, std::unique_ptr<TextCodec> codec,
                                                              const WorkerOptions& options);
  virtual ~RolloutWorker() = default;
  virtual const std::string& address() const = 0;
  virtual const std::string& control_address() const = 0;
  // Health turns NOT_SERVING, new calls are refused, running ones may finish until the deadline.
  virtual void Shutdown(absl::Time drain_deadline) = 0;
};

}  // namespace plumb

#endif  // PLUMB_ROLLOUT_WORKER_H_
