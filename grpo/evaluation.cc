#include "grpo/evaluation.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"

namespace plumb {
namespace {

bool IsNamed(const RewardComponent& component, const std::string& name) {
  return component.name == name || absl::EndsWith(component.name, absl::StrCat("/", name));
}

absl::StatusOr<double> DecidingValue(const RewardResult& reward, const std::string& component) {
  if (component.empty()) return reward.value;
  std::vector<std::string> names;
  for (const RewardComponent& candidate : reward.components) {
    if (IsNamed(candidate, component)) return candidate.value;
    names.push_back(candidate.name);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("eval.component: no score has '", component, "', there are: ", absl::StrJoin(names, ", ")));
}

}  // namespace

SamplingOptions GreedySampling(const SamplingOptions& training) {
  SamplingOptions greedy;
  greedy.greedy = true;
  greedy.max_new_tokens = training.max_new_tokens;
  greedy.stop_ids = training.stop_ids;
  greedy.stop_strings = training.stop_strings;
  return greedy;
}

absl::StatusOr<EvalReport> JudgeAnswers(std::vector<ScoredGroup> groups, const proto::EvalConfig& config) {
  EvalReport report;
  int64_t correct = 0;
  int64_t tokens = 0;
  for (ScoredGroup& group : groups) {
    for (ScoredCompletion& member : group.members) {
      EvalAnswer answer = {group.row, std::move(member.completion), std::move(member.reward), false};
      tokens += static_cast<int64_t>(answer.completion.ids.size());
      if (answer.reward.outcome == RewardOutcome::kScored) {
        ASSIGN_OR_RETURN(const double value, DecidingValue(answer.reward, config.component()));
        answer.correct = value >= config.correct_threshold();
        correct += answer.correct ? 1 : 0;
      } else if (++report.unscored == 1) {
        report.first_message = answer.reward.message;
      }
      report.answers.push_back(std::move(answer));
    }
  }
  if (report.answers.empty()) return report;
  const int64_t total = static_cast<int64_t>(report.answers.size());
  if (report.unscored == total) {
    return absl::UnavailableError(
        absl::StrCat("evaluation: none of the ", total, " answers has a score; the first: ", report.first_message));
  }
  report.accuracy = static_cast<double>(correct) / static_cast<double>(total - report.unscored);
  report.completion_length = static_cast<double>(tokens) / static_cast<double>(total);
  return report;
}

}  // namespace plumb
