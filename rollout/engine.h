#ifndef PLUMB_ROLLOUT_ENGINE_H_
#define PLUMB_ROLLOUT_ENGINE_H_

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/kv_cache.h"
#include "policy/packed_tokens.h"
#include "policy/weights.h"
#include "policy/workspace.h"
#include "proto/config.pb.h"
#include "rollout/generation.h"
#include "rollout/sampler.h"
#include "rollout/scheduler.h"
#include "rollout/stop_matcher.h"
#include "text/text_codec.h"

namespace plumb {

using RequestId = int64_t;

// One sampled token of a request.
struct TokenEvent {
  int64_t group = 0;   // index in the request
  int64_t sample = 0;  // index in the group, from 0
  SampledToken token;
  std::optional<Stop> finish;  // where this token ended the completion
};

// What an engine step gives one request.
struct RequestTick {
  const WeightVersion* version = nullptr;  // of the weights that computed the tokens
  std::vector<TokenEvent> tokens;
  bool done = false;    // nothing more comes
  absl::Status status;  // why it ended early, where `done` and not OK
};

// Called in the engine's thread. Must not call the engine.
using RequestSink = std::function<void(RequestTick tick)>;

struct EngineCounters {
  int64_t steps = 0;
  int64_t generated_tokens = 0;
  int64_t computed_tokens = 0;
  int64_t preemptions = 0;
  int64_t running_sequences = 0;
  int64_t waiting_sequences = 0;
  int64_t free_pages = 0;
};

// Samples completions with continuous batching: every step packs prefills and decodes of all requests into one forward
// over a paged latent cache, and a slot is filled again in the step after its sequence ended. One thread owns it; not
// thread-safe.
//
// New weights while sequences run: a request that required the old ones ends with kFailedPrecondition. For the others,
// what was computed with the old ones is forgotten and computed again with the new ones; sampled tokens and their
// log-probabilities stay.
class Engine {
 public:
  // `codec` may be null: completions then have no text, no end tokens but the model's, and stop strings are refused.
  // Errors: kInvalidArgument for limits that do not fit together; kResourceExhausted for the cache.
  static absl::StatusOr<std::unique_ptr<Engine>> Create(PolicyWeights weights, const TextCodec* codec,
                                                        const proto::EngineConfig& config);

  ~Engine();

  // Checks a request as Submit() does.
  // Errors: kInvalidArgument with the field's path; kResourceExhausted when the waiting queue is full.
  absl::Status Check(const std::vector<GroupRequest>& groups, const SamplingOptions& sampling) const;

  // Takes a request; `sink` gets one tick per step that sampled for it, the last with `done`. All its tokens come from
  // `required` where that is given.
  // Errors: those of Check(); kFailedPrecondition when other weights than `required` are served.
  absl::StatusOr<RequestId> Submit(const std::vector<GroupRequest>& groups, const SamplingOptions& sampling,
                                   RequestSink sink, const std::optional<WeightVersion>& required = std::nullopt);

  // Ends a request, or one of its groups, at once; its pages are free. Completions get finish reason kCancelled.
  // Returns how many sequences were stopped; 0 for a request that is not there any more.
  int64_t Cancel(RequestId request, std::optional<int64_t> group = std::nullopt);

  // Ends every request with `status`, which is not OK.
  void EndAll(const absl::Status& status);

  // Computes one step. A request that meets non-finite numbers fails alone, naming the layer.
  // Errors: kInternal, kResourceExhausted from LibTorch; every request has then been ended with it.
  absl::Status Step();

  bool idle() const { return sequences_.empty(); }

  // From the next step on; requests that required another version end now. The shapes equal those of the weights at
  // hand.
  void ReplaceWeights(PolicyWeights weights, WeightVersion version);

  const PolicyWeights& weights() const { return weights_; }
  const WeightVersion& version() const { return version_; }
  const proto::EngineConfig& limits() const { return config_; }
  const KvLayout& layout() const { return cache_.layout(); }
  const std::vector<int64_t>& end_ids() const { return end_ids_; }
  int64_t tokenizer_size() const { return tokenizer_size_; }
  int64_t max_context_tokens() const { return max_context_tokens_; }
  EngineCounters counters() const;

 private:
  struct Request;
  struct Sequence;

  Engine(PolicyWeights weights, const TextCodec* codec, const proto::EngineConfig& config, LatentCache cache);
  absl::Status CheckVersion(const std::optional<WeightVersion>& required) const;
  absl::Status CheckGroup(const GroupRequest& group, size_t index, int64_t max_new_tokens) const;
  void Pack(const StepPlan& plan);
  std::vector<SampledToken> Compute(const StepPlan& plan, const PackedTokens& tokens, const KvView& view);
  absl::Status NonFinite(const PackedTokens& tokens, const KvView& view);
  void Deliver(const StepPlan& plan, std::vector<SampledToken> sampled, const absl::Status& non_finite);
  void Take(SequenceId id, SampledToken token, std::map<RequestId, RequestTick>& ticks);
  void Remove(SequenceId id);
  void EndRequest(RequestId request, const absl::Status& status);

  proto::EngineConfig config_;
  PolicyWeights weights_;
  WeightVersion version_;
  const TextCodec* const codec_;
  LatentCache cache_;
  // Kept from step to step for their memory.
  Workspace workspace_;
  PackedTokens packed_;
  PackedTokens moved_;  // to the device, where that is not the CPU
  KvView view_;
  std::vector<SampleRequest> draws_;
  std::vector<int64_t> drawn_rows_;    // token that each row of logits comes after
  std::vector<int64_t> row_of_entry_;  // of the plan's sequences; -1: nothing is drawn
  std::vector<int64_t> end_ids_;
  int64_t tokenizer_size_ = 0;
  int64_t max_context_tokens_ = 0;
  Scheduler scheduler_;
  std::unordered_map<RequestId, std::unique_ptr<Request>> requests_;
  std::unordered_map<SequenceId, std::unique_ptr<Sequence>> sequences_;
  RequestId next_request_ = 1;
  EngineCounters counters_;
};

}  // namespace plumb

#endif  // PLUMB_ROLLOUT_ENGINE_H_
