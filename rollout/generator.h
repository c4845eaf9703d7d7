#ifndef PLUMB_ROLLOUT_GENERATOR_H_
#define PLUMB_ROLLOUT_GENERATOR_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "policy/weights.h"
#include "proto/config.pb.h"
#include "rollout/generation.h"
#include "text/text_codec.h"

namespace plumb {

// Makes completions. Not thread-safe.
class Generator {
 public:
  virtual ~Generator() = default;

  // Every group, in the order of `requests`.
  // Errors: kInvalidArgument; kDeadlineExceeded; kUnavailable when no worker is left, naming those that were lost;
  // kFailedPrecondition naming the worker that serves other weights than the published ones; kAborted when somebody
  // else cancels a group; kInternal for non-finite logits, naming the layer.
  virtual absl::StatusOr<std::vector<RolloutGroup>> Generate(absl::Span<const GroupRequest> requests,
                                                             const SamplingOptions& sampling, absl::Time deadline) = 0;

  // Makes `weights` the ones that Generate() uses from now on, under (incarnation, step) and their digest. Every worker
  // has verified the digest when this returns.
  // Errors: kDataLoss naming the worker whose digest differs; kDeadlineExceeded naming the worker that did not take
  // them in time; kFailedPrecondition when another trainer publishes at the same time; kUnavailable.
  virtual absl::Status PublishWeights(const PolicyWeights& weights, const std::string& incarnation, uint64_t step) = 0;

  // "1 local engine" or "2 workers: ...".
  virtual std::string Describe() const = 0;
};

// Called with (finished sequences, wanted sequences, generated tokens) as a call goes on.
using GenerationProgress = std::function<void(int64_t finished, int64_t wanted, int64_t tokens)>;

// An engine in this process. `codec` may be null: then completions have no text and stop strings are refused.
absl::StatusOr<std::unique_ptr<Generator>> MakeLocalGenerator(PolicyWeights weights, const TextCodec* codec,
                                                              const proto::EngineConfig& config, at::Device device);

// The limit of one PublishWeights() where none is given.
inline constexpr absl::Duration kDefaultPublishTimeout = absl::Minutes(10);

// Workers over gRPC. Groups are spread by load, a group stays together. When a worker is lost, its unfinished groups
// are asked again from the others with the same keys; the loss is logged with its address. `publish_timeout` is
// the limit of one PublishWeights(). Errors: kDeadlineExceeded or kUnavailable naming the worker that does not answer
// within `connect_timeout`; kInvalidArgument naming the worker that is given twice; those of WorkerClient::Connect().
absl::StatusOr<std::unique_ptr<Generator>> ConnectWorkers(const std::vector<proto::WorkerAddress>& workers,
                                                          absl::Duration connect_timeout,
                                                          GenerationProgress progress = nullptr,
                                                          absl::Duration publish_timeout = kDefaultPublishTimeout);

}  // namespace plumb

#endif  // PLUMB_ROLLOUT_GENERATOR_H_
