#include <ATen/ATen.h>

#include "base/status_macros.h"
#include "base/torch_guard.h"
#include "checkpoint/safetensors.h"
#include "policy/policy.h"
#include "tools/commands/commands.h"
#include "tools/commands/model_options.h"
#include "tools/commands/row_ids.h"
#include "tools/row_files.h"

namespace plumb::cli {
namespace {

// Mean next-token cross-entropy over all targets of all rows.
at::Tensor MeanLoss(const PolicyWeights& weights, const std::vector<std::vector<int64_t>>& rows) {
  std::vector<int64_t> predicting;
  std::vector<int64_t> targets;
  int64_t start = 0;
  for (const std::vector<int64_t>& row : rows) {
    for (size_t t = 1; t < row.size(); ++t) {
      predicting.push_back(start + static_cast<int64_t>(t) - 1);
      targets.push_back(row[t]);
    }
    start += static_cast<int64_t>(row.size());
  }
  const at::Tensor hidden = Forward(weights, PackSequences(rows), KvView::Own(), ForwardContext());  // [N, D]
  const at::Tensor selected = hidden.index_select(0, at::tensor(predicting, at::kLong));             // [M, D]
  return ScoreTokens(weights, selected, at::tensor(targets, at::kLong), /*temperature=*/1.0).logprobs.mean().neg();
}

class Gradients : public Command {
 public:
  void Declare(OptionSet& options) override {
    options.Required("--model", "DIR", model_, "Policy folder.");
    options.Required("--input", "FILE", input_, "JSONL rows with ids.");
    options.Required("--output", "FILE", output_,
                     "safetensors file to write: `loss`, and the gradient of each published tensor, float32.");
    DeclareCompute(options, compute_);
  }

  absl::Status Run() override {
    ASSIGN_OR_RETURN(const std::vector<InputRow> input, ReadRows(input_));
    ASSIGN_OR_RETURN(LoadedModel loaded, LoadModel(model_, compute_));
    std::vector<std::vector<int64_t>> rows;
    for (const InputRow& row : input) {
      ASSIGN_OR_RETURN(std::vector<int64_t> ids, RowIds(row, "ids", loaded.weights.config.vocab_size, false));
      rows.push_back(std::move(ids));
    }
    return CatchTorch("gradients", [&]() -> absl::Status {
      for (const NamedBuffer& buffer : Buffers(loaded.weights)) buffer.tensor->set_requires_grad(buffer.trainable);
      const at::Tensor loss = MeanLoss(loaded.weights, rows);
      loss.backward();
      return Write(loss.detach().reshape({1}), loaded.weights);
    });
  }

 private:
  absl::Status Write(const at::Tensor& loss, PolicyWeights& weights) const {
    PolicyWeights gradients = weights;
    for (const NamedBuffer& buffer : Buffers(gradients)) {
      const at::Tensor gradient = buffer.trainable ? buffer.tensor->grad() : at::Tensor();
      // A buffer that took no part has the gradient 0.
      *buffer.tensor = gradient.defined() || !buffer.trainable ? gradient : at::zeros_like(*buffer.tensor);
    }
    if (gradients.config.tie_word_embeddings) gradients.lm_head = gradients.embed;
    std::vector<at::Tensor> kept = {loss.to(at::kFloat)};
    std::vector<NamedTensorBytes> tensors = {Named("loss", kept[0])};
    for (const PublishedTensor& tensor : PublishedTensors(gradients)) {
      kept.push_back(tensor.view.to(at::kFloat).contiguous());
      tensors.push_back(Named(tensor.name, kept.back()));
    }
    return WriteSafetensors(output_, tensors);
  }

  static NamedTensorBytes Named(const std::string& name, const at::Tensor& value) {
    const auto* bytes = static_cast<const std::byte*>(value.const_data_ptr());
    return {name, {TensorType::kF32, value.sizes().vec(), absl::MakeConstSpan(bytes, value.nbytes())}};
  }

  std::string model_;
  std::string input_;
  std::string output_;
  ComputeOptions compute_;
};

}  // namespace

CommandEntry GradientsCommand() {
  return {.name = "gradients",
          .summary = "Gradients of the mean next-token loss, for comparisons.",
          .details = "",
          .example =
              "echo '{\"ids\": [1, 20, 21, 2]}' > rows.jsonl\n"
              "plumb gradients --model policy --input rows.jsonl --output gradients.safetensors",
          .make = [] { return std::make_unique<Gradients>(); },
          .hidden = true};
}

}  // namespace plumb::cli
