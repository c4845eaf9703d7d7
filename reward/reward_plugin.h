#ifndef PLUMB_REWARD_REWARD_PLUGIN_H_
#define PLUMB_REWARD_REWARD_PLUGIN_H_

#include <grpcpp/channel.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "proto/config.pb.h"
#include "proto/reward.grpc.pb.h"
#include "reward/reward_item.h"

namespace plumb {

// The pause before call number `attempt` + 1 of an item: doubles from a quarter of a second to ten, times 0.5 ... 1.5
// by `jitter` in [0, 1), so that many clients do not call in step.
absl::Duration RetryPause(int attempt, double jitter);

// The parts of [0, items) that go into one call each: at most `max_items` items and about `max_bytes` bytes; an item
// that is larger alone has a call of its own. Order is kept.
std::vector<std::vector<size_t>> SplitIntoBatches(absl::Span<const RewardItem> items, absl::Span<const size_t> indices,
                                                  size_t max_items, size_t max_bytes);

struct PluginCounts {
  int64_t calls = 0;
  int64_t retried_items = 0;
};

// One connected reward plug-in. Not thread-safe.
class RewardPlugin {
 public:
  // Errors: as RewardClient::Connect().
  static absl::StatusOr<std::unique_ptr<RewardPlugin>> Connect(const proto::PluginConfig& plugin,
                                                               const proto::RewardClientConfig& config);

  // One result per item, in their order; adds to `counts`. Ids are unique.
  // Errors: as RewardClient::Score().
  absl::StatusOr<std::vector<RewardResult>> Score(absl::Span<const RewardItem> items, absl::Time deadline,
                                                  PluginCounts& counts);

  const std::string& name() const { return name_; }
  double weight() const { return weight_; }

 private:
  struct Batch;
  struct Round;
  RewardPlugin(const proto::PluginConfig& plugin, const proto::RewardClientConfig& config);
  // "reward plug-in 'math' at 127.0.0.1:1234", for messages.
  std::string Who() const;
  absl::Status ReadInfo(absl::Time deadline);
  void PauseBeforeRetry(int attempt, const Round& round, absl::Time deadline);
  void CallBatches(absl::Span<const RewardItem> items, absl::Time deadline, std::vector<Batch>& batches);
  void CallBatch(absl::Span<const RewardItem> items, absl::Time deadline, Batch& batch);

  const std::string name_;
  const std::string address_;
  const double weight_;
  const absl::Duration timeout_;  // of one call
  const int max_attempts_;
  const absl::Duration outage_;  // how long it may be out of reach
  size_t batch_items_;
  size_t parallel_calls_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<proto::RewardService::Stub> stub_;
  std::mt19937_64 random_;  // for pauses alone; no result depends on it
};

}  // namespace plumb

#endif  // PLUMB_REWARD_REWARD_PLUGIN_H_
