#include "tools/report/run_record.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/config_yaml.h"
#include "base/file.h"
#include "base/json.h"
#include "base/status_macros.h"

namespace plumb {
namespace {

// The objects of a JSONL text; the end of the last line may be missing only together with the line.
absl::StatusOr<std::vector<Json>> ParseLines(absl::string_view text, absl::string_view what) {
  std::vector<Json> rows;
  int64_t number = 0;
  while (text.find('\n') != absl::string_view::npos) {
    const size_t end = text.find('\n');
    const std::string place = absl::StrCat(what, ":", ++number);
    if (end > 0) {
      ASSIGN_OR_RETURN(Json row, ParseJson(text.substr(0, end), place));
      if (!row.is_object()) return absl::InvalidArgumentError(absl::StrCat(place, ": expected a JSON object"));
      rows.push_back(std::move(row));
    }
    text.remove_prefix(end + 1);
  }
  return rows;
}

std::string TextOf(const Json& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::optional<double> NumberOf(const Json& row, const char* key) {
  const auto found = row.find(key);
  if (found == row.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

Curve& FindOrAdd(const std::string& key, RunRecord& run) {
  for (auto& [name, curve] : run.metrics) {
    if (name == key) return curve;
  }
  run.metrics.emplace_back(key, Curve());
  return run.metrics.back().second;
}

// The steps of files such as step-000012.jsonl, ascending, with their names.
std::vector<std::pair<int64_t, std::string>> NumberedFiles(const std::vector<std::string>& names,
                                                           absl::string_view prefix) {
  std::vector<std::pair<int64_t, std::string>> files;
  for (const std::string& name : names) {
    absl::string_view rest = name;
    int64_t step = 0;
    if (absl::ConsumePrefix(&rest, prefix) && absl::ConsumeSuffix(&rest, ".jsonl") && absl::SimpleAtoi(rest, &step)) {
      files.emplace_back(step, name);
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

// What the title of a report says of a run. A configuration or log that cannot be read says nothing.
void ReadTitle(const std::string& log, RunRecord& run) {
  constexpr size_t kDateLength = 10;  // 2026-11-25T02:01:14.186580Z
  if (log.size() > kDateLength && log[kDateLength] == 'T') run.date = log.substr(0, kDateLength);
  const absl::StatusOr<YamlValue> config = ParseYaml(run.config, "config.yaml");
  if (!config.ok()) return;
  for (const YamlEntry& entry : config->entries) {
    if (entry.key.text == "model") run.model = entry.value.text;
    if (entry.key.text == "batch_size") run.stage = "SFT";
    if (entry.key.text == "group_size") run.stage = "GRPO";
  }
}

absl::Status ReadSampleLog(const std::string& folder, RunRecord& run) {
  if (!FolderExists(folder)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(folder));
  const auto steps = NumberedFiles(names, "step-");
  const auto evals = NumberedFiles(names, "eval-");
  const auto read = [&](const std::string& name) { return ReadFile(JoinPath(folder, name)); };
  if (!steps.empty()) {
    ASSIGN_OR_RETURN(const std::string first, read(steps.front().second));
    ASSIGN_OR_RETURN(run.first_samples, ParseSamples(first, steps.front().second));
    ASSIGN_OR_RETURN(const std::string last, read(steps.back().second));
    ASSIGN_OR_RETURN(run.last_samples, ParseSamples(last, steps.back().second));
    run.first_sample_step = steps.front().first;
    run.last_sample_step = steps.back().first;
  }
  if (!evals.empty()) {
    ASSIGN_OR_RETURN(const std::string first, read(evals.front().second));
    ASSIGN_OR_RETURN(run.first_eval, ParseEvals(first, evals.front().second));
    ASSIGN_OR_RETURN(const std::string last, read(evals.back().second));
    ASSIGN_OR_RETURN(run.last_eval, ParseEvals(last, evals.back().second));
    run.first_eval_step = evals.front().first;
    run.last_eval_step = evals.back().first;
  }
  return absl::OkStatus();
}

}  // namespace

const Curve& MetricCurve(const RunRecord& run, absl::string_view key) {
  static const Curve& empty = *new Curve();
  for (const auto& [name, curve] : run.metrics) {
    if (name == key) return curve;
  }
  return empty;
}

absl::Status AddMetricLines(absl::string_view lines, absl::string_view what, RunRecord& run) {
  ASSIGN_OR_RETURN(const std::vector<Json> rows, ParseLines(lines, what));
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::optional<double> step = NumberOf(rows[i], "step");
    if (!step) return absl::InvalidArgumentError(absl::StrCat(what, ":", i + 1, ": step: expected a number"));
    run.last_step = std::max(run.last_step, static_cast<int64_t>(*step));
    for (const auto& [key, value] : rows[i].items()) {
      if (key != "step" && value.is_number()) FindOrAdd(key, run).emplace_back(*step, value.get<double>());
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<SampleRecord>> ParseSamples(absl::string_view lines, absl::string_view what) {
  ASSIGN_OR_RETURN(const std::vector<Json> rows, ParseLines(lines, what));
  std::vector<SampleRecord> samples;
  for (const Json& row : rows) {
    samples.push_back({.row_id = TextOf(row, "row_id"),
                       .prompt = TextOf(row, "prompt"),
                       .completion = TextOf(row, "completion"),
                       .reward = NumberOf(row, "reward"),
                       .advantage = NumberOf(row, "advantage").value_or(0),
                       .outcome = TextOf(row, "outcome"),
                       .message = TextOf(row, "message"),
                       .finish_reason = TextOf(row, "finish_reason")});
  }
  return samples;
}

absl::StatusOr<std::vector<EvalRecord>> ParseEvals(absl::string_view lines, absl::string_view what) {
  ASSIGN_OR_RETURN(const std::vector<Json> rows, ParseLines(lines, what));
  std::vector<EvalRecord> evals;
  for (const Json& row : rows) {
    const auto correct = row.find("correct");
    evals.push_back({.row_id = TextOf(row, "row_id"),
                     .prompt = TextOf(row, "prompt"),
                     .completion = TextOf(row, "completion"),
                     .correct = correct != row.end() && correct->is_boolean() && correct->get<bool>()});
  }
  return evals;
}

absl::StatusOr<RunRecord> ReadRun(const std::string& run_folder) {
  RunRecord run;
  run.name = run_folder;
  const std::string metrics_path = JoinPath(run_folder, "metrics.jsonl");
  ASSIGN_OR_RETURN(const std::string metrics, ReadFile(metrics_path));
  RETURN_IF_ERROR(AddMetricLines(metrics, metrics_path, run));
  const std::string config_path = JoinPath(run_folder, "config.yaml");
  if (FileExists(config_path)) {
    ASSIGN_OR_RETURN(run.config, ReadFile(config_path));
  }
  ReadTitle(ReadFile(JoinPath(run_folder, "log.txt")).value_or(""), run);
  RETURN_IF_ERROR(ReadSampleLog(JoinPath(run_folder, "rollouts"), run));
  return run;
}

}  // namespace plumb
