#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "rollout/engine.h"
#include "rollout/generator.h"
#include "rollout/group_collector.h"

namespace plumb {
namespace {

class LocalGenerator : public Generator {
 public:
  explicit LocalGenerator(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

  absl::StatusOr<std::vector<RolloutGroup>> Generate(absl::Span<const GroupRequest> requests,
                                                     const SamplingOptions& sampling, absl::Time deadline) override {
    if (requests.empty()) return std::vector<RolloutGroup>();
    const std::vector<GroupRequest> groups(requests.begin(), requests.end());
    GroupCollector collector(requests);
    bool done = false;
    absl::Status status;
    const auto take = [&](RequestTick tick) {
      for (TokenEvent& event : tick.tokens) {
        if (event.token.id >= 0) {
          collector.AddToken(event.group, event.sample, event.token.id, event.token.logprob,
                             event.token.sampling_logprob, tick.version->step);
        }
        if (!event.token.kept.empty()) collector.AddKeptSet(event.group, event.sample, std::move(event.token.kept));
        if (event.finish.has_value()) collector.Finish(event.group, event.sample, *event.finish);
      }
      done = tick.done;
      status = tick.status;
    };
    ASSIGN_OR_RETURN(const RequestId id, engine_->Submit(groups, sampling, take));
    while (!done) {
      if (absl::Now() > deadline) {
        const int64_t finished = collector.num_finished();  // cancelling finishes the rest
        engine_->Cancel(id);
        return absl::DeadlineExceededError(absl::StrCat("generation: ", finished, " of ", collector.num_wanted(),
                                                        " completions were finished in the time allowed"));
      }
      RETURN_IF_ERROR(engine_->Step());
    }
    RETURN_IF_ERROR(status);
    return collector.Take();
  }

  absl::Status PublishWeights(const PolicyWeights& weights, const std::string& incarnation, uint64_t step) override {
    // A copy: the caller goes on training the tensors that it passed.
    PolicyWeights copy = CloneWeights(weights);
    const uint64_t digest = WeightDigest(copy);
    engine_->ReplaceWeights(std::move(copy), {incarnation, step, digest});
    return absl::OkStatus();
  }

  std::string Describe() const override { return "1 local engine"; }

 private:
  const std::unique_ptr<Engine> engine_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Generator>> MakeLocalGenerator(PolicyWeights weights, const TextCodec* codec,
                                                              const proto::EngineConfig& config, at::Device device) {
  if (weights.embed.device() != device) {
    return absl::InvalidArgumentError(
        absl::StrCat("weights are on ", weights.embed.device().str(), ", expected ", device.str()));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<Engine> engine, Engine::Create(std::move(weights), codec, config));
  return std::unique_ptr<Generator>(std::make_unique<LocalGenerator>(std::move(engine)));
}

}  // namespace plumb
