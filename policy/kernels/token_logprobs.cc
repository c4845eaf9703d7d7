#include "policy/kernels/token_logprobs.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <limits>

#include "policy/kernels/cpu/numerics.h"
#include "policy/kernels/cpu/parallel.h"
#include "policy/kernels/cpu/row_functions.h"
#include "policy/kernels/cpu/vocabulary_row.h"
#include "policy/kernels/custom_gradient.h"
#include "policy/kernels/linear.h"
#include "policy/kernels/matrix_product.h"
#include "policy/kernels/weight_gradient.h"

namespace plumb {
namespace {

constexpr int64_t kLogitsPerPiece = 1 << 22;
constexpr int64_t kElementsPerTask = 1 << 13;
// Logits of a slab of the vocabulary: 4 MiB, which stay in a cache, unless the rows are too many for one chunk.
constexpr int64_t kSlabLogits = 1 << 20;
constexpr int64_t kMaxSlabChunks = 16;
// Logits or log-probabilities up to this many are kept for the gradient instead of being made again.
constexpr int64_t kLogitsToKeep = 1 << 23;

int64_t RowsPerPiece(const at::Tensor& head) { return std::max<int64_t>(1, kLogitsPerPiece / head.size(0)); }

bool KeepsLogits(const at::Tensor& hidden, const at::Tensor& head, int64_t num_ids) {
  return NeedsGradient({hidden, head}) && hidden.size(0) * num_ids <= kLogitsToKeep;
}

// [rows, V] float32
at::Tensor LogSoftmax(const at::Tensor& hidden, const at::Tensor& head, double temperature) {
  at::Tensor logits = LinearReference(hidden, head).to(at::kFloat);
  if (temperature != 1.0) logits = logits / temperature;
  return at::log_softmax(logits, -1);
}

struct Saved {
  at::Tensor hidden;
  at::Tensor head;       // the rows that count
  at::Tensor parameter;  // the head as it came
  at::Tensor targets;
  double temperature;
  std::vector<at::Tensor> pieces;  // log-probabilities of rows or logits of slabs, where kept
};

// d logits = (one hot of the target - probability) * gradient / temperature
at::Tensor LogitGradient(const Saved& saved, int64_t piece, const at::Tensor& gradient) {
  const int64_t rows = RowsPerPiece(saved.head);
  const int64_t count = gradient.size(0);
  const at::Tensor logprobs =
      saved.pieces.empty() ? LogSoftmax(saved.hidden.narrow(0, piece * rows, count), saved.head, saved.temperature)
                           : saved.pieces[piece];
  const at::Tensor column = gradient.unsqueeze(1);
  const at::Tensor targets = saved.targets.narrow(0, piece * rows, count).unsqueeze(1);
  at::Tensor result = logprobs.exp().mul_(column.neg()).scatter_add_(1, targets, column);
  if (saved.temperature != 1.0) result.div_(saved.temperature);
  return result.to(saved.hidden.scalar_type());
}

std::vector<at::Tensor> Backward(const Saved& saved, const at::Tensor& gradient) {
  std::vector<at::Tensor> hidden_gradients;
  at::Tensor head_gradient;
  const std::vector<at::Tensor> pieces = gradient.contiguous().split(RowsPerPiece(saved.head), 0);
  for (size_t piece = 0; piece < pieces.size(); ++piece) {
    const at::Tensor logits = LogitGradient(saved, static_cast<int64_t>(piece), pieces[piece]);
    const at::Tensor hidden =
        saved.hidden.narrow(0, static_cast<int64_t>(piece) * RowsPerPiece(saved.head), logits.size(0));
    hidden_gradients.push_back(logits.mm(saved.head));
    const at::Tensor part = logits.t().mm(hidden);
    head_gradient = head_gradient.defined() ? head_gradient.add_(part) : part;
  }
  return {at::cat(hidden_gradients, 0), head_gradient};
}

TokenLogprobs InPieces(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets,
                       double temperature) {
  const bool keep = KeepsLogits(hidden, head, head.size(0));
  Saved saved{hidden.detach(), head.detach(), head, targets, temperature, {}};
  std::vector<at::Tensor> logprobs;
  std::vector<at::Tensor> entropies;
  const int64_t rows = RowsPerPiece(head);
  for (int64_t begin = 0; begin < hidden.size(0); begin += rows) {
    const int64_t count = std::min(rows, hidden.size(0) - begin);
    const at::NoGradGuard no_grad;
    const at::Tensor piece = LogSoftmax(saved.hidden.narrow(0, begin, count), saved.head, temperature);
    logprobs.push_back(piece.gather(1, targets.narrow(0, begin, count).unsqueeze(1)).squeeze(1));
    entropies.push_back(piece.exp().mul_(piece).sum(1).neg_());
    if (keep) saved.pieces.push_back(piece);
  }
  const at::Tensor all = at::cat(logprobs, 0);
  return {WithGradient(all, {hidden, head},
                       [saved = std::move(saved)](const at::Tensor& gradient) { return Backward(saved, gradient); }),
          at::cat(entropies, 0)};
}

// Of each row, from its chunks [M, chunks].
struct RowResults {
  at::Tensor log_sums;  // [M] float32, log of the sum of e^logit
  at::Tensor entropy;   // [M] float32
};

RowResults MergeChunks(const std::vector<cpu::ChunkSums>& chunks, int64_t rows) {
  const int64_t per_row = rows == 0 ? 0 : static_cast<int64_t>(chunks.size()) / rows;
  const RowResults results = {at::empty({rows}, at::kFloat), at::empty({rows}, at::kFloat)};
  for (int64_t n = 0; n < rows; ++n) {
    cpu::VocabularySums sums;
    for (int64_t c = 0; c < per_row; ++c) sums.Add(chunks[n * per_row + c]);
    results.log_sums.mutable_data_ptr<float>()[n] = sums.log_sum();
    results.entropy.mutable_data_ptr<float>()[n] = sums.entropy();
  }
  return results;
}

// Ids whose logits are made at a time: whole chunks.
int64_t IdsPerSlab(int64_t rows) {
  const int64_t chunks =
      std::clamp<int64_t>(kSlabLogits / (std::max<int64_t>(1, rows) * cpu::kVocabularyChunk), 1, kMaxSlabChunks);
  return chunks * cpu::kVocabularyChunk;
}

// Chunks of the ids first ... first + logits.size(1) - 1, and the target's logit where it is among them.
void ReadSlab(const at::Tensor& logits, int64_t first, const at::Tensor& targets, double temperature,
              std::vector<cpu::ChunkSums>& chunks, const at::Tensor& target_logits) {
  const int64_t rows = logits.size(0);
  const int64_t per_row = static_cast<int64_t>(chunks.size()) / rows;
  const cpu::VocabularyRows chunk_rows = {.logits = logits.const_data_ptr<float>(),
                                          .stride = logits.stride(0),
                                          .width = logits.size(1),
                                          .temperature = static_cast<float>(temperature),
                                          .sums = chunks.data() + first / cpu::kVocabularyChunk,
                                          .sums_stride = per_row};
  cpu::ParallelRanges(rows, std::max<int64_t>(1, kElementsPerTask / logits.size(1)), [&](int64_t begin, int64_t end) {
    cpu::ActiveRowFunctions().chunk_sums(chunk_rows, begin, end);
  });
  const int64_t* target = targets.const_data_ptr<int64_t>();
  for (int64_t n = 0; n < rows; ++n) {
    const int64_t column = target[n] - first;
    if (column < 0 || column >= logits.size(1)) continue;
    const float logit = logits.const_data_ptr<float>()[n * logits.stride(0) + column];
    target_logits.mutable_data_ptr<float>()[n] = temperature == 1.0 ? logit : logit / static_cast<float>(temperature);
  }
}

// Calls use(first, slab) for slabs of the head's rows that cover the vocabulary, in their order.
template <typename Use>
void ForSlabs(const at::Tensor& head, int64_t rows, const Use& use) {
  const int64_t ids = IdsPerSlab(rows);
  for (int64_t first = 0; first < head.size(0); first += ids) {
    use(first, head.narrow(0, first, std::min(ids, head.size(0) - first)));
  }
}

std::vector<at::Tensor> GradientsInSlabs(const Saved& saved, const at::Tensor& log_sums, const at::Tensor& gradient) {
  const at::Tensor hidden = FloatRows(saved.hidden);
  const at::Tensor factors = (gradient.to(at::kFloat) / saved.temperature).contiguous();
  const at::Tensor hidden_gradient = at::zeros(hidden.sizes(), hidden.options());
  const at::Tensor held = HeldGradient(saved.parameter);
  const bool wants_head = saved.parameter.requires_grad();
  at::Tensor head_gradient = held;
  if (wants_head && !held.defined()) head_gradient = at::zeros(saved.parameter.sizes(), hidden.options());
  size_t next_kept = 0;
  ForSlabs(saved.head, hidden.size(0), [&](int64_t first, const at::Tensor& slab) {
    const bool kept = !saved.pieces.empty();
    const at::Tensor logits = kept ? saved.pieces[next_kept++] : TimesTransposed(hidden, slab, {}, at::kFloat);
    const at::Tensor d_logits = kept ? at::empty_like(logits) : logits;
    const at::Tensor targets = saved.targets - first;
    const cpu::LogitGradientRows rows = {.logits = logits.const_data_ptr<float>(),
                                         .gradient = d_logits.mutable_data_ptr<float>(),
                                         .width = logits.size(1),
                                         .temperature = static_cast<float>(saved.temperature),
                                         .log_sums = log_sums.const_data_ptr<float>(),
                                         .factors = factors.const_data_ptr<float>(),
                                         .targets = targets.const_data_ptr<int64_t>()};
    cpu::ParallelRanges(
        logits.size(0), std::max<int64_t>(1, kElementsPerTask / logits.size(1)),
        [&](int64_t begin, int64_t end) { cpu::ActiveRowFunctions().logit_gradient(rows, begin, end); });
    hidden_gradient.add_(Times(d_logits, slab));
    if (!wants_head) return;
    AddTransposedTimes(d_logits, hidden, {0, hidden.size(0)},
                       head_gradient.narrow(0, first, slab.size(0)).unsqueeze(0));
  });
  const at::ScalarType type = saved.hidden.scalar_type();
  return {hidden_gradient.to(type), wants_head && !held.defined() ? head_gradient.to(type) : at::Tensor()};
}

TokenLogprobs InSlabs(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets, double temperature,
                      int64_t num_ids) {
  const bool keep = KeepsLogits(hidden, head, num_ids);
  Saved saved{hidden.detach(), head.detach().narrow(0, 0, num_ids), head, targets.contiguous(), temperature, {}};
  const at::Tensor rows = FloatRows(hidden);
  const at::Tensor target_logits = at::full({hidden.size(0)}, -std::numeric_limits<float>::infinity(), at::kFloat);
  const int64_t per_row = (num_ids + cpu::kVocabularyChunk - 1) / cpu::kVocabularyChunk;
  std::vector<cpu::ChunkSums> chunks(hidden.size(0) * per_row);
  ForSlabs(saved.head, rows.size(0), [&](int64_t first, const at::Tensor& slab) {
    const at::Tensor logits = TimesTransposed(rows, slab, {}, at::kFloat);
    ReadSlab(logits, first, saved.targets, temperature, chunks, target_logits);
    if (keep) saved.pieces.push_back(logits);
  });
  const RowResults results = MergeChunks(chunks, hidden.size(0));
  return {WithGradient(target_logits - results.log_sums, {hidden, head},
                       [saved = std::move(saved), log_sums = results.log_sums](const at::Tensor& gradient) {
                         return GradientsInSlabs(saved, log_sums, gradient);
                       }),
          results.entropy};
}

}  // namespace

TokenLogprobs TokenLogprobsReference(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets,
                                     double temperature) {
  const at::NoGradGuard no_grad;
  const at::Tensor logprobs = LogSoftmax(hidden, head, temperature);
  return {logprobs.gather(1, targets.unsqueeze(1)).squeeze(1), (logprobs.exp() * logprobs).sum(1).neg()};
}

TokenLogprobs ComputeTokenLogprobs(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets,
                                   double temperature, int64_t num_ids) {
  if (hidden.size(0) == 0) {
    const at::Tensor empty = at::zeros({0}, hidden.options().dtype(at::kFloat));
    return {empty, empty};
  }
  const bool kernel = CpuProductTakes(head) && hidden.scalar_type() == head.scalar_type();
  const int64_t ids = num_ids <= 0 ? head.size(0) : std::min(num_ids, head.size(0));
  if (kernel) return InSlabs(hidden, head, targets, temperature, ids);
  // The gradient of a part is a copy of the whole.
  return InPieces(hidden, ids == head.size(0) ? head : head.narrow(0, 0, ids), targets, temperature);
}

TokenLogprobs LogprobsOfLogits(const at::Tensor& logits, const at::Tensor& targets, double temperature) {
  const at::NoGradGuard no_grad;
  if (!logits.is_cpu()) {
    const at::Tensor logprobs = at::log_softmax(temperature == 1.0 ? logits : logits / temperature, -1);
    return {logprobs.gather(1, targets.unsqueeze(1)).squeeze(1), (logprobs.exp() * logprobs).sum(1).neg()};
  }
  const at::Tensor rows = FloatRows(logits);
  const at::Tensor target_logits = at::full({rows.size(0)}, -std::numeric_limits<float>::infinity(), at::kFloat);
  const int64_t per_row = (rows.size(1) + cpu::kVocabularyChunk - 1) / cpu::kVocabularyChunk;
  std::vector<cpu::ChunkSums> chunks(rows.size(0) * per_row);
  if (rows.size(0) > 0) ReadSlab(rows, 0, targets.contiguous(), temperature, chunks, target_logits);
  const RowResults results = MergeChunks(chunks, rows.size(0));
  return {target_logits - results.log_sums, results.entropy};
}

}  // namespace plumb
