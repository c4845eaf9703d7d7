#include "rollout/group_collector.h"

#include <algorithm>

namespace plumb {

GroupCollector::GroupCollector(absl::Span<const GroupRequest> requests) {
  for (const GroupRequest& request : requests) {
    RolloutGroup group;
    group.group_id = request.group_id;
    group.completions.resize(request.group_size);
    groups_.push_back(std::move(group));
    finished_.emplace_back(request.group_size, false);
    unfinished_.push_back(request.group_size);
    num_wanted_ += request.group_size;
  }
}

bool GroupCollector::IsKnown(int64_t group, int64_t sample) const {
  return group >= 0 && group < static_cast<int64_t>(groups_.size()) && sample >= 0 &&
         sample < static_cast<int64_t>(finished_[group].size()) && !finished_[group][sample];
}

void GroupCollector::AddToken(int64_t group, int64_t sample, int64_t id, float logprob, float sampling_logprob,
                              uint64_t weight_step) {
  Completion& completion = groups_[group].completions[sample];
  completion.ids.push_back(id);
  completion.logprobs.push_back(logprob);
  completion.sampling_logprobs.push_back(sampling_logprob);
  completion.weight_steps.push_back(weight_step);
  ++num_tokens_;
}

void GroupCollector::AddKeptSet(int64_t group, int64_t sample, std::vector<int64_t> ids) {
  groups_[group].completions[sample].kept_sets.push_back(std::move(ids));
}

void GroupCollector::Finish(int64_t group, int64_t sample, const Stop& stop) {
  Completion& completion = groups_[group].completions[sample];
  completion.finish_reason = stop.reason;
  completion.stop = stop.stop;
  completion.text = stop.text;
  finished_[group][sample] = true;
  --unfinished_[group];
  ++num_finished_;
}

void GroupCollector::Reset(int64_t group) {
  for (size_t sample = 0; sample < groups_[group].completions.size(); ++sample) {
    num_tokens_ -= static_cast<int64_t>(groups_[group].completions[sample].ids.size());
    groups_[group].completions[sample] = Completion();
    if (finished_[group][sample]) --num_finished_;
    finished_[group][sample] = false;
  }
  unfinished_[group] = static_cast<int64_t>(finished_[group].size());
}

}  // namespace plumb
