#include "grpo/sample_log.h"

#include <cstdio>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/file.h"
#include "base/json.h"
#include "base/status_macros.h"

namespace plumb {
namespace {

constexpr char kStepFile[] = "step-%06d.jsonl";
constexpr char kEvalFile[] = "eval-%06d.jsonl";

const char* OutcomeName(RewardOutcome outcome) {
  switch (outcome) {
    case RewardOutcome::kScored:
      return "SCORED";
    case RewardOutcome::kAbstained:
      return "ABSTAINED";
    case RewardOutcome::kInvalid:
      return "INVALID";
    case RewardOutcome::kFailed:
      break;
  }
  return "FAILED";
}

const char* FinishName(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kCancelled:
      break;
  }
  return "cancelled";
}

Json ComponentsJson(const RewardResult& reward) {
  Json components = Json::object();
  for (const RewardComponent& component : reward.components) components[component.name] = component.value;
  return components;
}

// Only a score has a value: anything else shows null, never a zero.
Json RewardJson(const RewardResult& reward) {
  return reward.outcome == RewardOutcome::kScored ? Json(reward.value) : Json();
}

Json StepLine(int64_t step, const PromptRow& row, size_t sample, const ScoredCompletion& member) {
  const Completion& completion = member.completion;
  Json line = Json::object();
  line["step"] = step;
  line["row_id"] = row.id;
  line["sample"] = sample;
  line["prompt"] = row.prompt;
  line["completion"] = completion.text;
  line["reward"] = RewardJson(member.reward);
  line["outcome"] = OutcomeName(member.reward.outcome);
  line["components"] = ComponentsJson(member.reward);
  line["message"] = member.reward.message;
  line["advantage"] = member.advantage;
  line["finish_reason"] = FinishName(completion.finish_reason);
  line["tokens"] = completion.ids.size();
  line["weight_step"] = completion.weight_steps.empty() ? Json() : Json(completion.weight_steps.front());
  return line;
}

absl::Status WriteLines(const std::string& run_folder, const std::string& name, const std::string& lines) {
  const std::string folder = JoinPath(run_folder, "rollouts");
  RETURN_IF_ERROR(MakeFolder(folder));
  return WriteFileAtomic(JoinPath(folder, name), lines);
}

}  // namespace

std::string StepLines(int64_t step, absl::Span<const ScoredGroup> groups) {
  std::string lines;
  for (const ScoredGroup& group : groups) {
    for (size_t i = 0; i < group.members.size(); ++i) {
      absl::StrAppend(&lines, DumpJson(StepLine(step, *group.row, i, group.members[i])), "\n");
    }
  }
  return lines;
}

std::string EvalLines(int64_t step, const EvalReport& report) {
  std::string lines;
  for (const EvalAnswer& answer : report.answers) {
    const absl::StatusOr<Json> row = ParseJson(answer.row->row_json, answer.row->id);
    Json line = Json::object();
    line["step"] = step;
    line["row_id"] = answer.row->id;
    line["prompt"] = answer.row->prompt;
    line["completion"] = answer.completion.text;
    line["answer_row"] = row.ok() ? *row : Json(answer.row->row_json);
    line["reward"] = RewardJson(answer.reward);
    line["correct"] = answer.correct;
    line["components"] = ComponentsJson(answer.reward);
    absl::StrAppend(&lines, DumpJson(line), "\n");
  }
  return lines;
}

absl::Status WriteStepSamples(const std::string& run_folder, int64_t step, absl::Span<const ScoredGroup> groups) {
  return WriteLines(run_folder, absl::StrFormat(kStepFile, step), StepLines(step, groups));
}

absl::Status WriteEvalSamples(const std::string& run_folder, int64_t step, const EvalReport& report) {
  return WriteLines(run_folder, absl::StrFormat(kEvalFile, step), EvalLines(step, report));
}

absl::Status CutSampleLog(const std::string& run_folder, int64_t step) {
  const std::string folder = JoinPath(run_folder, "rollouts");
  if (!FolderExists(folder)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(folder));
  for (const std::string& name : names) {
    int number = 0;
    const bool is_log =
        std::sscanf(name.c_str(), kStepFile, &number) == 1 || std::sscanf(name.c_str(), kEvalFile, &number) == 1;
    if (!is_log || number <= step) continue;
    const std::string path = JoinPath(folder, name);
    if (std::remove(path.c_str()) != 0) return absl::UnknownError(absl::StrCat(path, ": cannot be removed"));
  }
  return absl::OkStatus();
}

}  // namespace plumb
