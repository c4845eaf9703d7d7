#include "grpo/scored_group.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace plumb {
namespace {

std::vector<std::pair<std::string, std::string>> MessagesOf(const PromptRow& row) {
  std::vector<std::pair<std::string, std::string>> messages;
  if (!row.messages.is_array()) return messages;
  for (const Json& message : row.messages) {
    const Json role = message.value("role", Json());
    const Json content = message.value("content", Json());
    messages.emplace_back(role.is_string() ? role.get<std::string>() : DumpJson(role),
                          content.is_string() ? content.get<std::string>() : DumpJson(content));
  }
  return messages;
}

std::optional<double> RewardOf(const ScoredCompletion& member) {
  if (member.reward.outcome != RewardOutcome::kScored) return std::nullopt;
  return member.reward.value;
}

}  // namespace

std::vector<GroupRequest> GenerationRequests(absl::Span<const PromptVisit> visits, int64_t group_size,
                                             uint64_t run_seed, SeedDomain domain) {
  std::vector<GroupRequest> requests;
  requests.reserve(visits.size());
  for (const PromptVisit& visit : visits) {
    GroupRequest request;
    request.group_id = absl::StrCat(requests.size());
    request.prompt_ids = visit.row->prompt_ids;
    request.group_size = group_size;
    request.run_seed = run_seed;
    request.domain = domain;
    request.row_id = visit.row->id;
    request.visit = visit.visit;
    requests.push_back(std::move(request));
  }
  return requests;
}

std::vector<RewardItem> RewardItems(absl::Span<const PromptVisit> visits, absl::Span<const RolloutGroup> groups) {
  PLUMB_CHECK(visits.size() == groups.size()) << visits.size() << " visits, " << groups.size() << " groups";
  std::vector<RewardItem> items;
  for (size_t g = 0; g < groups.size(); ++g) {
    const PromptRow& row = *visits[g].row;
    const auto messages = MessagesOf(row);
    for (size_t i = 0; i < groups[g].completions.size(); ++i) {
      const Completion& completion = groups[g].completions[i];
      RewardItem item;
      item.id = absl::StrCat(row.id, "#", visits[g].visit, "/", i);
      item.prompt = row.prompt;
      item.messages = messages;
      item.completion = completion.text;
      item.completion_ids = completion.ids;
      item.row_json = row.row_json;
      item.truncated = completion.finish_reason == FinishReason::kLength;
      items.push_back(std::move(item));
    }
  }
  return items;
}

std::vector<ScoredGroup> JoinScores(absl::Span<const PromptVisit> visits, std::vector<RolloutGroup> groups,
                                    const std::vector<RewardResult>& results) {
  std::vector<ScoredGroup> scored;
  scored.reserve(groups.size());
  size_t next = 0;
  for (size_t g = 0; g < groups.size(); ++g) {
    ScoredGroup group;
    group.row = visits[g].row;
    for (Completion& completion : groups[g].completions) {
      PLUMB_CHECK(next < results.size()) << "only " << results.size() << " results";
      ScoredCompletion member;
      member.completion = std::move(completion);
      member.reward = results[next++];
      if (member.reward.outcome == RewardOutcome::kScored && !std::isfinite(member.reward.value)) {
        member.reward.outcome = RewardOutcome::kFailed;
        member.reward.message = absl::StrCat("the value is ", member.reward.value, "; ", member.reward.message);
      }
      group.dropped = group.dropped || member.reward.outcome == RewardOutcome::kFailed;
      group.members.push_back(std::move(member));
    }
    scored.push_back(std::move(group));
  }
  PLUMB_CHECK(next == results.size()) << results.size() << " results for " << next << " completions";
  return scored;
}

void AssignAdvantages(std::vector<ScoredGroup>& groups, const AdvantageOptions& options, bool mask_truncated) {
  for (ScoredGroup& group : groups) {
    if (group.dropped) continue;
    std::vector<std::optional<double>> rewards;
    for (const ScoredCompletion& member : group.members) rewards.push_back(RewardOf(member));
    const std::vector<double> advantages = GroupAdvantages(rewards, options);
    group.zero_std = StatisticsOf(rewards).zero_std;
    for (size_t i = 0; i < group.members.size(); ++i) {
      ScoredCompletion& member = group.members[i];
      const bool cut = mask_truncated && member.completion.finish_reason == FinishReason::kLength;
      member.advantage = advantages[i];
      member.trained = rewards[i].has_value() && !cut && !member.completion.ids.empty();
    }
  }
}

double UnscoredShare(absl::Span<const ScoredGroup> groups) {
  if (groups.empty()) return 0;
  int64_t unscored = 0;
  for (const ScoredGroup& group : groups) {
    const auto scored = std::count_if(group.members.begin(), group.members.end(), [](const ScoredCompletion& member) {
      return member.reward.outcome == RewardOutcome::kScored;
    });
    unscored += group.dropped || scored < 2 ? 1 : 0;
  }
  return static_cast<double>(unscored) / static_cast<double>(groups.size());
}

OutcomeCounts CountOutcomes(absl::Span<const ScoredGroup> groups) {
  OutcomeCounts counts;
  for (const ScoredGroup& group : groups) {
    for (const ScoredCompletion& member : group.members) {
      const RewardOutcome outcome = member.reward.outcome;
      const bool is_fault = outcome == RewardOutcome::kInvalid || outcome == RewardOutcome::kFailed;
      ++counts.completions;
      counts.abstained += outcome == RewardOutcome::kAbstained;
      counts.invalid += outcome == RewardOutcome::kInvalid;
      counts.failed += outcome == RewardOutcome::kFailed;
      if (is_fault && counts.first_message.empty()) counts.first_message = member.reward.message;
    }
  }
  return counts;
}

}  // namespace plumb
