#ifndef PLUMB_ROLLOUT_GROUP_COLLECTOR_H_
#define PLUMB_ROLLOUT_GROUP_COLLECTOR_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "rollout/generation.h"
#include "rollout/stop_matcher.h"

namespace plumb {

// Puts the tokens of a request together as they come. Groups and samples are indices, as in the request. Not
// thread-safe.
class GroupCollector {
 public:
  explicit GroupCollector(absl::Span<const GroupRequest> requests);

  bool IsKnown(int64_t group, int64_t sample) const;
  void AddToken(int64_t group, int64_t sample, int64_t id, float logprob, float sampling_logprob, uint64_t weight_step);
  void AddKeptSet(int64_t group, int64_t sample, std::vector<int64_t> ids);
  void Finish(int64_t group, int64_t sample, const Stop& stop);

  // Forgets what came for a group, which will be asked for again.
  void Reset(int64_t group);

  bool IsGroupFinished(int64_t group) const { return unfinished_[group] == 0; }
  int64_t num_finished() const { return num_finished_; }
  int64_t num_wanted() const { return num_wanted_; }
  int64_t num_tokens() const { return num_tokens_; }
  std::vector<RolloutGroup> Take() { return std::move(groups_); }

 private:
  std::vector<RolloutGroup> groups_;
  std::vector<std::vector<bool>> finished_;
  std::vector<int64_t> unfinished_;  // of each group
  int64_t num_finished_ = 0;
  int64_t num_wanted_ = 0;
  int64_t num_tokens_ = 0;
};

}  // namespace plumb

#endif  // PLUMB_ROLLOUT_GROUP_COLLECTOR_H_
