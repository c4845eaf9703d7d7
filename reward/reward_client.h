#ifndef PLUMB_REWARD_REWARD_CLIENT_H_
#define PLUMB_REWARD_REWARD_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "proto/config.pb.h"
#include "reward/reward_item.h"

namespace plumb {

class RewardPlugin;

// Counts of a client's life; the loop shows their growth per step.
struct RewardCounters {
  int64_t calls = 0;
  int64_t retried_items = 0;
  int64_t failed_items = 0;
  int64_t abstained_items = 0;
  int64_t invalid_items = 0;
};

// Scores completions with every plug-in and adds their weighted values. Fields of the configuration that are not set
// take the defaults of proto/config.proto. Not thread-safe.
class RewardClient {
 public:
  // Connects to every plug-in, at least one, and asks for its info. Names must differ.
  // Errors: kUnavailable or kDeadlineExceeded naming the plug-in and its address; kFailedPrecondition for another
  // api_version.
  static absl::StatusOr<std::unique_ptr<RewardClient>> Connect(const std::vector<proto::PluginConfig>& plugins,
                                                               const proto::RewardClientConfig& config);
  ~RewardClient();

  // One result per item, in the order of `items`. Batches run in parallel up to the plug-in's limit; items that failed
  // are asked again up to max_attempts with a growing pause. An item is kScored only where every plug-in scored it;
  // kFailed wins over kInvalid over kAbstained. Each plug-in's value is a component under its name, its own components
  // are "name/component".
  // Errors: kUnavailable when a plug-in answers nothing at all any more (its name, the last error); kInvalidArgument
  // when it refuses the request, or when two items have one id; kInternal when it breaks the contract on every attempt;
  // kDeadlineExceeded when `deadline` has passed before it was asked.
  absl::StatusOr<std::vector<RewardResult>> Score(absl::Span<const RewardItem> items, absl::Time deadline);

  const RewardCounters& counters() const;

 private:
  RewardClient();
  std::vector<std::unique_ptr<RewardPlugin>> plugins_;
  RewardCounters counters_;
};

}  // namespace plumb

#endif  // PLUMB_REWARD_REWARD_CLIENT_H_
