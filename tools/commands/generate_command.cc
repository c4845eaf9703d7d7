#include "absl/strings/ascii.h"
#include "base/status_macros.h"
#include "tools/commands/commands.h"
#include "tools/commands/row_ids.h"
#include "tools/commands/sampling_options.h"

namespace plumb::cli {
namespace {

std::string FinishReasonName(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kCancelled:
      return "cancelled";
  }
  return "";
}

Json CompletionJson(const Completion& completion) {
  Json json;
  json["text"] = completion.text;
  json["ids"] = completion.ids;
  json["logprobs"] = FloatsJson(completion.logprobs);
  json["sampling_logprobs"] = FloatsJson(completion.sampling_logprobs);
  json["finish_reason"] = FinishReasonName(completion.finish_reason);
  json["stop"] = completion.stop;
  return json;
}

// The row with what was generated for it.
Json GroupJson(const InputRow& row, const RolloutGroup& group) {
  Json json = row.row;
  json["completions"] = Json::array();
  for (const Completion& completion : group.completions) json["completions"].push_back(CompletionJson(completion));
  return json;
}

// What a person wants to read of a row's prompt.
std::string PromptText(const InputRow& row) {
  if (row.row.contains("prompt")) return row.row["prompt"].get<std::string>();
  if (!row.row.contains("messages")) return DumpJson(row.row["prompt_ids"]);
  std::string text;
  const auto shown = [](const Json& value) { return value.is_string() ? value.get<std::string>() : DumpJson(value); };
  for (const Json& message : row.row["messages"]) {
    const bool usual = message.is_object() && message.contains("role") && message.contains("content");
    absl::StrAppend(&text, text.empty() ? "" : "\n",
                    usual ? absl::StrCat(shown(message["role"]), ": ", shown(message["content"])) : shown(message));
  }
  return text;
}

std::string GroupText(const InputRow& row, const RolloutGroup& group) {
  std::string text = absl::StrCat("=== ", row.place, "\n", absl::StripTrailingAsciiWhitespace(PromptText(row)), "\n");
  for (size_t i = 0; i < group.completions.size(); ++i) {
    const Completion& completion = group.completions[i];
    absl::StrAppend(&text, "--- completion ", i + 1, " of ", group.completions.size(), ": ", completion.ids.size(),
                    " tokens, ended by ", FinishReasonName(completion.finish_reason), "\n",
                    absl::StripTrailingAsciiWhitespace(completion.text), "\n");
  }
  return text;
}

class Generate : public Command {
 public:
  void Declare(OptionSet& options) override {
    options_ = &options;
    options.Required("--model", "DIR", model_, "Policy folder; with --worker only its tokenizer is read.");
    options.Required(
        "--input", "FILE", input_,
        "JSONL rows with prompt (text, taken as it is), messages (rendered with the model's chat template) or "
        "prompt_ids; - is stdin.");
    options.Text("--output", "FILE", output_, "Where to write the rows with their completions; - is stdout.");
    options.Whole("--group-size", {1, 65536}, group_size_, "Completions per row.");
    options.Flag("--greedy", greedy_, "Take the most likely token each time.");
    options.Flag("--text", text_, "Print prompts and completions for people on stdout, instead of JSON.");
    DeclareSampling(options, "; --greedy takes the most likely token each time", flags_);
    DeclareCompute(options, compute_);
  }

  absl::Status Run() override {
    RETURN_IF_ERROR(CheckGreedy());
    if (text_ && options_->Given("--output")) {
      return absl::InvalidArgumentError(
          "--text: prints to stdout, and has no effect on --output; leave one of them out");
    }
    ASSIGN_OR_RETURN(std::vector<InputRow> rows, ReadRows(input_));
    ASSIGN_OR_RETURN(const LoadedGenerator loaded, LoadGenerator(model_, compute_, flags_));
    if (text_ && loaded.codec == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--text: ", model_, " has no tokenizer.json, so that completions are ids alone; leave --text out"));
    }
    ASSIGN_OR_RETURN(const std::vector<GroupRequest> requests, Requests(rows, loaded.codec.get()));
    ASSIGN_OR_RETURN(const std::unique_ptr<RowWriter> writer, RowWriter::Open(output_));
    const absl::Status status =
        GenerateInPieces(*loaded.generator, requests, ToSamplingOptions(flags_, greedy_),
                         absl::Seconds(flags_.timeout_seconds), [&](size_t first, std::vector<RolloutGroup> groups) {
                           for (size_t i = 0; i < groups.size(); ++i) {
                             InputRow& row = rows[first + i];
                             RETURN_IF_ERROR(text_ ? writer->WriteLine(GroupText(row, groups[i]))
                                                   : writer->Write(GroupJson(row, groups[i])));
                           }
                           return writer->Flush();
                         });
    if (flags_.workers.size() > 1) return status;
    return NameRequest(status, [&rows](size_t request) {
      return request < rows.size() ? rows[request].place : absl::StrCat("row ", request);
    });
  }

 private:
  absl::Status CheckGreedy() const {
    if (!greedy_) return absl::OkStatus();
    for (const char* name : {"--temperature", "--top-p", "--top-k"}) {
      if (options_->Given(name)) return absl::InvalidArgumentError(absl::StrCat(name, ": has no effect with --greedy"));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<GroupRequest>> Requests(const std::vector<InputRow>& rows, const TextCodec* codec) const {
    std::vector<GroupRequest> requests;
    std::map<std::string, std::string> places;
    for (size_t i = 0; i < rows.size(); ++i) {
      GroupRequest request;
      request.group_id = absl::StrCat(i);
      ASSIGN_OR_RETURN(request.prompt_ids, PromptIds(rows[i], codec));
      request.group_size = group_size_;
      request.run_seed = static_cast<uint64_t>(flags_.seed);
      request.domain = SeedDomain::kEval;
      request.row_id = RowName(rows[i], i);
      const auto [first, is_new] = places.emplace(request.row_id, rows[i].place);
      if (!is_new) {
        return absl::InvalidArgumentError(
            absl::StrCat(rows[i].place, ": id ", request.row_id, ": already at ", first->second));
      }
      requests.push_back(std::move(request));
    }
    return requests;
  }

  const OptionSet* options_ = nullptr;
  std::string model_;
  std::string input_;
  std::string output_ = "-";
  int64_t group_size_ = 1;
  bool greedy_ = false;
  bool text_ = false;
  SamplingFlags flags_;
  ComputeOptions compute_;
};

}  // namespace

CommandEntry GenerateCommand() {
  return {.name = "generate",
          .summary = "Sample completions for prompts.",
          .details =
              "A row of the output is the input row and \"completions\": a list of objects with text, ids (the\n"
              "token that stopped it included), logprobs (temperature 1, whole vocabulary), sampling_logprobs\n"
              "(of the distribution that was sampled), finish_reason (stop, length) and stop. Sampling depends on\n"
              "--seed, the row's id (else its number) and the completion's place in its group, nothing else. A prompt\n"
              "gets no template, only the tokens that the tokenizer itself adds: write it as in training.",
          .example =
              "echo '{\"prompt\": \"What is 2 + 3?\"}' > prompts.jsonl\n"
              "plumb generate --model runs/my_policy --input prompts.jsonl --output completions.jsonl --group-size 4\n"
              "plumb generate --model runs/my_policy --input prompts.jsonl --greedy --text",
          .make = [] { return std::make_unique<Generate>(); }};
}

}  // namespace plumb::cli
