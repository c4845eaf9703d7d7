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

class Generate : public Command {
 public:
  void Declare(OptionSet& options) override {
    options_ = &options;
    options.Required("--model", "DIR", model_, "Policy folder; with --worker only its tokenizer is read.");
    options.Required("--input", "FILE", input_, "JSONL rows with prompt, messages or prompt_ids; - is stdin.");
    options.Text("--output", "FILE", output_, "Where to write the rows with their completions; - is stdout.");
    options.Whole("--group-size", {1, 65536}, group_size_, "Completions per row.");
    options.Flag("--greedy", greedy_, "Take the most likely token each time.");
    DeclareSampling(options, flags_);
    DeclareCompute(options, compute_);
  }

  absl::Status Run() override {
    RETURN_IF_ERROR(CheckGreedy());
    ASSIGN_OR_RETURN(std::vector<InputRow> rows, ReadRows(input_));
    ASSIGN_OR_RETURN(const LoadedGenerator loaded, LoadGenerator(model_, compute_, flags_));
    ASSIGN_OR_RETURN(const std::vector<GroupRequest> requests, Requests(rows, loaded.codec.get()));
    ASSIGN_OR_RETURN(const std::unique_ptr<RowWriter> writer, RowWriter::Open(output_));
    return GenerateInPieces(*loaded.generator, requests, ToSamplingOptions(flags_, greedy_),
                            absl::Seconds(flags_.timeout_seconds),
                            [&](size_t first, std::vector<RolloutGroup> groups) -> absl::Status {
                              for (size_t i = 0; i < groups.size(); ++i) {
                                Json& row = rows[first + i].row;
                                row["completions"] = Json::array();
                                for (const Completion& completion : groups[i].completions) {
                                  row["completions"].push_back(CompletionJson(completion));
                                }
                                RETURN_IF_ERROR(writer->Write(row));
                              }
                              return writer->Flush();
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
              "--seed, the row's id (else its number) and the completion's place in its group, nothing else.",
          .example =
              "echo '{\"prompt\": \"What is 2 + 3?\"}' > prompts.jsonl\n"
              "plumb generate --model policy --input prompts.jsonl --output completions.jsonl --group-size 4",
          .make = [] { return std::make_unique<Generate>(); }};
}

}  // namespace plumb::cli
