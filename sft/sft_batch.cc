#include "sft/sft_batch.h"

#include <ATen/ATen.h>

#include "text/packing.h"

namespace plumb {
namespace {

SftMicroBatch PackRows(absl::Span<const SftRow* const> rows, const std::vector<int64_t>& members, at::Device device) {
  std::vector<std::vector<int64_t>> sequences;
  std::vector<int64_t> predictors;
  std::vector<int64_t> targets;
  int64_t start = 0;
  for (const int64_t member : members) {
    const SftRow& row = *rows[member];
    // The first token of a row is predicted by nothing, whatever its mask says.
    for (size_t t = 1; t < row.ids.size(); ++t) {
      if (!row.train_mask[t]) continue;
      predictors.push_back(start + static_cast<int64_t>(t) - 1);
      targets.push_back(row.ids[t]);
    }
    start += static_cast<int64_t>(row.ids.size());
    sequences.push_back(row.ids);
  }
  SftMicroBatch batch;
  batch.tokens = ToDevice(PackSequences(sequences), device);
  batch.predictors = at::tensor(predictors, at::kLong).to(device);
  batch.targets = at::tensor(targets, at::kLong).to(device);
  return batch;
}

}  // namespace

SftBatch PackSftBatch(absl::Span<const SftRow* const> rows, int64_t micro_batch_tokens, at::Device device) {
  std::vector<int64_t> lengths;
  for (const SftRow* row : rows) lengths.push_back(static_cast<int64_t>(row->ids.size()));
  SftBatch batch;
  for (const std::vector<int64_t>& members : PackBestFit(lengths, micro_batch_tokens)) {
    batch.micro_batches.push_back(PackRows(rows, members, device));
    batch.trained_tokens += batch.micro_batches.back().targets.numel();
  }
  return batch;
}

}  // namespace plumb
