#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>

#include "base/status_macros.h"
#include "base/torch_guard.h"
#include "checkpoint/safetensors.h"
#include "policy/policy.h"
#include "tools/commands/commands.h"
#include "tools/commands/model_options.h"
#include "tools/commands/row_ids.h"

namespace plumb::cli {
namespace {

// Tokens of one forward. A row's numbers do not depend on what it is packed with.
constexpr int64_t kForwardTokens = 4096;

// The tokens of some rows, packed, and which of them are scored.
struct ScoreBatch {
  PackedTokens tokens;
  at::Tensor predicting;        // [M] int64, positions in the pack whose logits predict a completion token
  at::Tensor targets;           // [M] int64
  std::vector<int64_t> counts;  // completion tokens of each row
};

struct RowTokens {
  std::vector<int64_t> ids;  // prompt, then completion
  int64_t prompt_length = 0;
};

ScoreBatch MakeBatch(const std::vector<RowTokens>& rows, size_t first, size_t end, at::Device device) {
  ScoreBatch batch;
  std::vector<std::vector<int64_t>> sequences;
  std::vector<int64_t> predicting;
  std::vector<int64_t> targets;
  int64_t start = 0;
  for (size_t i = first; i < end; ++i) {
    const RowTokens& row = rows[i];
    const int64_t length = static_cast<int64_t>(row.ids.size());
    for (int64_t t = row.prompt_length; t < length; ++t) {
      predicting.push_back(start + t - 1);
      targets.push_back(row.ids[t]);
    }
    batch.counts.push_back(length - row.prompt_length);
    sequences.push_back(row.ids);
    start += length;
  }
  batch.tokens = ToDevice(PackSequences(sequences), device);
  batch.predicting = at::tensor(predicting, at::kLong).to(device);
  batch.targets = at::tensor(targets, at::kLong).to(device);
  return batch;
}

class Score : public Command {
 public:
  void Declare(OptionSet& options) override {
    options.Required("--model", "DIR", model_, "Policy folder.");
    options.Required("--input", "FILE", input_, "JSONL rows with prompt_ids and completion_ids; - is stdin.");
    options.Text("--output", "FILE", output_, "Where to write the rows with their log-probabilities; - is stdout.");
    options.Text("--all-logits", "FILE", all_logits_,
                 "Also write a safetensors file with a tensor logits.ROW of [T, V] float32 for each row, from 0.");
    DeclareCompute(options, compute_);
  }

  absl::Status Run() override {
    ASSIGN_OR_RETURN(std::vector<InputRow> rows, ReadRows(input_));
    ASSIGN_OR_RETURN(const LoadedModel loaded, LoadModel(model_, compute_));
    std::vector<RowTokens> tokens;
    for (const InputRow& row : rows) {
      ASSIGN_OR_RETURN(RowTokens read, ReadTokens(row, loaded.weights.config));
      tokens.push_back(std::move(read));
    }
    ASSIGN_OR_RETURN(const std::unique_ptr<RowWriter> writer, RowWriter::Open(output_));
    size_t first = 0;
    while (first < rows.size()) {
      size_t end = first;
      for (size_t total = 0; end < rows.size(); ++end) {
        total += tokens[end].ids.size();
        if (end > first && total > kForwardTokens) break;
      }
      ASSIGN_OR_RETURN(const std::vector<std::vector<float>> scores, ScorePiece(loaded, tokens, first, end));
      for (size_t i = first; i < end; ++i) {
        RETURN_IF_ERROR(CheckFinite(scores[i - first], rows[i].place));
        rows[i].row["logprobs"] = FloatsJson(scores[i - first]);
        RETURN_IF_ERROR(writer->Write(rows[i].row));
      }
      first = end;
    }
    RETURN_IF_ERROR(writer->Flush());
    return all_logits_.empty() ? absl::OkStatus() : WriteLogits();
  }

 private:
  static absl::Status CheckFinite(const std::vector<float>& logprobs, const std::string& place) {
    const auto broken =
        std::find_if(logprobs.begin(), logprobs.end(), [](float value) { return !std::isfinite(value); });
    if (broken == logprobs.end()) return absl::OkStatus();
    return absl::InternalError(absl::StrCat(place, ": the log-probability of completion token ",
                                            broken - logprobs.begin(), " is ", *broken,
                                            ": the model's weights are broken"));
  }

  static absl::StatusOr<RowTokens> ReadTokens(const InputRow& row, const ModelConfig& config) {
    RowTokens tokens;
    ASSIGN_OR_RETURN(tokens.ids, RowIds(row, "prompt_ids", config.vocab_size, /*may_be_empty=*/false));
    tokens.prompt_length = static_cast<int64_t>(tokens.ids.size());
    ASSIGN_OR_RETURN(const std::vector<int64_t> completion,
                     RowIds(row, "completion_ids", config.vocab_size, /*may_be_empty=*/true));
    tokens.ids.insert(tokens.ids.end(), completion.begin(), completion.end());
    if (static_cast<int64_t>(tokens.ids.size()) > config.max_positions) {
      return absl::InvalidArgumentError(absl::StrCat(row.place, ": ", tokens.ids.size(), " tokens, but the model has ",
                                                     config.max_positions, " positions"));
    }
    return tokens;
  }

  absl::StatusOr<std::vector<std::vector<float>>> ScorePiece(const LoadedModel& loaded,
                                                             const std::vector<RowTokens>& rows, size_t first,
                                                             size_t end) {
    return CatchTorch("score", [&]() -> absl::StatusOr<std::vector<std::vector<float>>> {
      const c10::InferenceMode no_gradients;
      const ScoreBatch batch = MakeBatch(rows, first, end, loaded.device);
      ForwardContext context;
      context.device = loaded.device;
      const at::Tensor hidden = Forward(loaded.weights, batch.tokens, KvView::Own(), context);  // [N, D]
      if (!all_logits_.empty()) KeepLogits(loaded.weights, hidden, batch.tokens);
      std::vector<std::vector<float>> scores(end - first);
      if (batch.targets.numel() == 0) return scores;
      const at::Tensor selected = hidden.index_select(0, batch.predicting);  // [M, D]
      const TokenScores token_scores = ScoreTokens(loaded.weights, selected, batch.targets, /*temperature=*/1.0);
      const at::Tensor logprobs = token_scores.logprobs.to(at::kCPU).contiguous();  // [M]
      const float* next = logprobs.const_data_ptr<float>();
      for (size_t i = 0; i < scores.size(); ++i) {
        scores[i].assign(next, next + batch.counts[i]);
        next += batch.counts[i];
      }
      return scores;
    });
  }

  void KeepLogits(const PolicyWeights& weights, const at::Tensor& hidden, const PackedTokens& tokens) {
    for (int64_t b = 0; b < tokens.num_sequences(); ++b) {
      const at::Tensor rows = hidden.slice(0, tokens.starts[b], tokens.starts[b + 1]);
      logits_.push_back(Logits(weights, rows).to(at::kCPU).contiguous());
    }
  }

  absl::Status WriteLogits() const {
    std::vector<NamedTensorBytes> tensors;
    for (size_t i = 0; i < logits_.size(); ++i) {
      const absl::Span<const std::byte> bytes(static_cast<const std::byte*>(logits_[i].const_data_ptr()),
                                              logits_[i].nbytes());
      tensors.push_back({absl::StrCat("logits.", i), {TensorType::kF32, logits_[i].sizes().vec(), bytes}});
    }
    return WriteSafetensors(all_logits_, tensors);
  }

  std::string model_;
  std::string input_;
  std::string output_ = "-";
  std::string all_logits_;
  ComputeOptions compute_;
  std::vector<at::Tensor> logits_;  // [T, V] float32 of each row, where they are wanted
};

}  // namespace

CommandEntry ScoreCommand() {
  return {.name = "score",
          .summary = "Log-probabilities of given tokens.",
          .details =
              "A row of the output is the input row and \"logprobs\": one float32 number per completion token,\n"
              "natural logarithm, temperature 1, whole vocabulary.",
          .example =
              "echo '{\"prompt_ids\": [1, 20], \"completion_ids\": [21, 2]}' > rows.jsonl\n"
              "plumb score --model runs/my_policy --input rows.jsonl --output scores.jsonl",
          .make = [] { return std::make_unique<Score>(); }};
}

}  // namespace plumb::cli
