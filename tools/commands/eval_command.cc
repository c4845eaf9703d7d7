#include <cmath>
#include <iostream>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/time/clock.h"
#include "base/config.h"
#include "base/status_macros.h"
#include "reward/math_answer.h"
#include "reward/rubric.h"
#include "text/dataset.h"
#include "tools/commands/commands.h"
#include "tools/commands/sampling_options.h"
#include "tools/eval_metrics.h"
#include "tools/row_files.h"
#include "tools/row_options.h"

namespace plumb::cli {
namespace {

// A completion is right when its value is at least this; verifiers give 1, sums of weighted ones may round.
constexpr double kCorrectValue = 0.999;

struct ScoredCompletion {
  Completion completion;
  RewardResult result;

  bool scored() const { return result.outcome == RewardOutcome::kScored; }
  bool correct() const { return scored() && result.value >= kCorrectValue; }
};

// The completions of each row.
using ScoredRows = std::vector<std::vector<ScoredCompletion>>;

struct Totals {
  int64_t completions = 0;
  int64_t scored = 0;
  int64_t correct = 0;
  int64_t truncated = 0;
  int64_t tokens = 0;
};

Totals AddUp(const ScoredRows& rows) {
  Totals totals;
  for (const std::vector<ScoredCompletion>& row : rows) {
    for (const ScoredCompletion& one : row) {
      ++totals.completions;
      totals.scored += one.scored() ? 1 : 0;
      totals.correct += one.correct() ? 1 : 0;
      totals.truncated += one.completion.finish_reason == FinishReason::kLength ? 1 : 0;
      totals.tokens += static_cast<int64_t>(one.completion.ids.size());
    }
  }
  return totals;
}

// null where there is nothing to divide by: no completion could be scored.
Json Share(double part, double whole) { return whole > 0 ? Json(part / whole) : Json(); }

// What a completion votes for: the first answer of the row that equals its own, in value where both are numbers.
std::vector<std::string> VotedAnswers(const std::vector<ScoredCompletion>& row) {
  std::vector<std::string> votes;
  std::vector<std::pair<std::string, std::optional<ExactNumber>>> seen;
  for (const ScoredCompletion& one : row) {
    const std::optional<MathAnswer> answer = ExtractAnswer(one.completion.text);
    const std::string text = answer.has_value() ? NormalizeAnswer(answer->text)
                                                : std::string(absl::StripAsciiWhitespace(one.completion.text));
    const std::optional<ExactNumber> number =
        answer.has_value() ? NumberInAnswer(text, answer->in_prose) : std::nullopt;
    const auto equal = [&](const auto& other) {
      return number && other.second ? ExactlyEqual(*number, *other.second) : text == other.first;
    };
    const auto found = std::find_if(seen.begin(), seen.end(), equal);
    votes.push_back(found == seen.end() ? text : found->first);
    if (found == seen.end()) seen.emplace_back(text, number);
  }
  return votes;
}

// pass@k for k = 1, 2, 4, ... and the majority, over the rows whose completions were all scored.
void AddSampleMetrics(const ScoredRows& rows, int64_t samples, Json& result) {
  std::vector<int64_t> correct;
  int64_t right_majorities = 0;
  for (const std::vector<ScoredCompletion>& row : rows) {
    if (!std::all_of(row.begin(), row.end(), [](const ScoredCompletion& one) { return one.scored(); })) continue;
    correct.push_back(std::count_if(row.begin(), row.end(), [](const ScoredCompletion& one) { return one.correct(); }));
    right_majorities += row[MajorityIndex(VotedAnswers(row))].correct() ? 1 : 0;
  }
  Json pass = Json::object();
  for (int64_t k = 1; k <= samples; k *= 2) {
    double sum = 0;
    for (const int64_t right : correct) sum += PassAtK(samples, right, k);
    pass[absl::StrCat(k)] = Share(sum, static_cast<double>(correct.size()));
  }
  result["pass@k"] = pass;
  result["majority"] = Share(static_cast<double>(right_majorities), static_cast<double>(correct.size()));
}

class Eval : public Command {
 public:
  void Declare(OptionSet& options) override {
    options.Required("--model", "DIR", model_, "Policy folder; with --worker only its tokenizer is read.");
    options.Required("--data", "FILE", file_, "JSONL rows: messages, prompt/completion or question/answer.");
    DeclarePromptTemplate(options, data_);
    options.Whole("--max-rows", {0}, max_rows_, "Use only the first rows; 0 uses all.");
    options.Choice("--verifier", {"math", "exact"}, verifier_, "Which built-in verifier decides.");
    options.Text("--answer-field", "NAME", answer_field_, "Row field with the right answer.");
    options.Text("--reward-config", "FILE", reward_config_,
                 "A configuration of plumb reward, in place of --verifier and --answer-field.");
    options.Whole("--samples", {0, 65536}, samples_,
                  "Also sample so many completions per row, for pass@k and the majority; 0 samples none.");
    options.Text("--output", "FILE", output_, "Also write the rows with their completions and values.");
    DeclareSampling(options, "; greedy completions are made in any case", flags_);
    DeclareCompute(options, compute_);
  }

  absl::Status Run() override {
    const absl::Time start = absl::Now();
    ASSIGN_OR_RETURN(const Rubric rubric, MakeRubric());
    ASSIGN_OR_RETURN(const LoadedGenerator loaded, LoadGenerator(model_, compute_, flags_));
    if (loaded.codec == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(model_, ": has no tokenizer.json"));
    }
    ASSIGN_OR_RETURN(const std::vector<PromptRow> rows, LoadPromptRows(Data(), *loaded.codec));
    ASSIGN_OR_RETURN(const ScoredRows greedy, Answer(*loaded.generator, rubric, rows, 1, /*greedy=*/true));
    ScoredRows sampled;
    if (samples_ > 0) {
      ASSIGN_OR_RETURN(sampled, Answer(*loaded.generator, rubric, rows, samples_, /*greedy=*/false));
    }
    if (!output_.empty()) RETURN_IF_ERROR(WriteRows(rows, greedy, sampled));
    Json result = Summary(greedy, sampled);
    result["seconds"] = absl::ToDoubleSeconds(absl::Now() - start);
    std::cout << DumpJson(result) << "\n";
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<Rubric> MakeRubric() const {
    proto::RewardServiceConfig config;
    if (reward_config_.empty()) {
      const std::vector<std::string> overrides = {absl::StrCat("verifiers.0.name=", verifier_),
                                                  absl::StrCat("verifiers.0.answer_field=", answer_field_)};
      RETURN_IF_ERROR(ParseConfig("", "--verifier", overrides, config).status());
    } else {
      RETURN_IF_ERROR(LoadConfig(reward_config_, {}, config).status());
    }
    return Rubric::Create(config.verifiers());
  }

  proto::DataConfig Data() const {
    proto::DataConfig data = ToDataConfig(data_, file_);
    data.set_max_rows(static_cast<int32_t>(max_rows_));
    return data;
  }

  absl::StatusOr<ScoredRows> Answer(Generator& generator, const Rubric& rubric, const std::vector<PromptRow>& rows,
                                    int64_t group_size, bool greedy) const {
    std::vector<GroupRequest> requests;
    for (size_t i = 0; i < rows.size(); ++i) {
      GroupRequest request;
      request.group_id = absl::StrCat(i);
      request.prompt_ids = rows[i].prompt_ids;
      request.group_size = group_size;
      request.run_seed = static_cast<uint64_t>(flags_.seed);
      request.domain = SeedDomain::kEval;
      request.row_id = rows[i].id;
      requests.push_back(std::move(request));
    }
    ScoredRows scored;
    const auto score = [&](size_t first, std::vector<RolloutGroup> groups) {
      for (size_t i = 0; i < groups.size(); ++i) scored.push_back(ScoreRow(rubric, rows[first + i], groups[i]));
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(GenerateInPieces(generator, requests, ToSamplingOptions(flags_, greedy),
                                     absl::Seconds(flags_.timeout_seconds), score));
    return scored;
  }

  static std::vector<ScoredCompletion> ScoreRow(const Rubric& rubric, const PromptRow& row, RolloutGroup& group) {
    std::vector<ScoredCompletion> scored;
    for (Completion& completion : group.completions) {
      RewardItem item;
      item.id = row.id;
      item.prompt = row.prompt;
      item.completion = completion.text;
      item.completion_ids = completion.ids;
      item.row_json = row.row_json;
      item.truncated = completion.finish_reason == FinishReason::kLength;
      scored.push_back({std::move(completion), rubric.Score(item)});
    }
    return scored;
  }

  Json Summary(const ScoredRows& greedy, const ScoredRows& sampled) const {
    const Totals totals = AddUp(greedy);
    Json result;
    result["model"] = model_;
    result["data"] = file_;
    result["rows"] = totals.completions;
    result["accuracy"] = Share(static_cast<double>(totals.correct), static_cast<double>(totals.scored));
    result["not_scored"] = totals.completions - totals.scored;
    result["truncated_share"] = Share(static_cast<double>(totals.truncated), static_cast<double>(totals.completions));
    result["mean_completion_tokens"] =
        Share(static_cast<double>(totals.tokens), static_cast<double>(totals.completions));
    if (samples_ == 0) return result;
    const Totals sampled_totals = AddUp(sampled);
    result["samples"] = samples_;
    result["temperature"] = flags_.temperature;
    result["sample_accuracy"] =
        Share(static_cast<double>(sampled_totals.correct), static_cast<double>(sampled_totals.scored));
    AddSampleMetrics(sampled, samples_, result);
    return result;
  }

  static Json CompletionsJson(const std::vector<ScoredCompletion>& row) {
    Json list = Json::array();
    for (const ScoredCompletion& one : row) {
      Json json;
      json["text"] = one.completion.text;
      json["tokens"] = one.completion.ids.size();
      json["value"] = one.scored() ? Json(one.result.value) : Json();
      json["correct"] = one.correct();
      json["message"] = one.result.message;
      list.push_back(std::move(json));
    }
    return list;
  }

  absl::Status WriteRows(const std::vector<PromptRow>& rows, const ScoredRows& greedy,
                         const ScoredRows& sampled) const {
    ASSIGN_OR_RETURN(const std::unique_ptr<RowWriter> writer, RowWriter::Open(output_));
    for (size_t i = 0; i < rows.size(); ++i) {
      ASSIGN_OR_RETURN(Json json, ParseJson(rows[i].row_json, rows[i].id));
      json["prompt_text"] = rows[i].prompt;
      json["greedy"] = CompletionsJson(greedy[i]);
      if (samples_ > 0) json["sampled"] = CompletionsJson(sampled[i]);
      RETURN_IF_ERROR(writer->Write(json));
    }
    return writer->Flush();
  }

  std::string model_;
  std::string file_;
  RowFlags data_ = DefaultRowFlags();
  int64_t max_rows_ = 0;
  std::string verifier_ = "math";
  std::string answer_field_ = "answer";
  std::string reward_config_;
  int64_t samples_ = 0;
  std::string output_;
  SamplingFlags flags_;
  ComputeOptions compute_;
};

}  // namespace

CommandEntry EvalCommand() {
  return {.name = "eval",
          .summary = "Accuracy of a policy on rows with known answers.",
          .details =
              "Prints one JSON object: accuracy of the greedy completions; with --samples also sample_accuracy,\n"
              "pass@k (unbiased) and majority. A completion is correct when its value is at least 0.999. Rows\n"
              "whose right answer cannot be read are counted in not_scored and left out of the shares.",
          .example =
              "plumb eval --model runs/demo/grpo/checkpoints/latest --data examples/arithmetic/held_out.jsonl \\\n"
              "  --prompt-template '{question}\\n' --no-chat-template --max-new-tokens 32 --samples 8",
          .make = [] { return std::make_unique<Eval>(); }};
}

}  // namespace plumb::cli
