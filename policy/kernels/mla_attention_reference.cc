#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <limits>

#include "policy/kernels/custom_gradient.h"
#include "policy/kernels/gather_pages.h"
#include "policy/kernels/gather_rows.h"
#include "policy/kernels/mla_attention.h"

namespace plumb {
namespace {

// Probabilities of a layer up to this many are kept for the gradient instead of being made again.
constexpr int64_t kScoresToKeep = int64_t{1} << 23;

// Queries of a batch from `begin` on, and the keys that they can see.
struct Piece {
  int64_t begin;
  int64_t count;
  int64_t num_keys;
};

std::vector<Piece> PiecesOf(const AttentionBatch& batch, int64_t num_heads) {
  const int64_t per_query = batch.num_sequences * num_heads * batch.num_keys;
  const int64_t count = std::clamp<int64_t>(kMaxScores / per_query, 1, batch.num_queries);
  std::vector<Piece> pieces;
  for (int64_t begin = 0; begin < batch.num_queries; begin += count) {
    const int64_t end = std::min(begin + count, batch.num_queries);
    pieces.push_back({begin, end - begin, std::min(batch.max_first + end, batch.num_keys)});
  }
  return pieces;
}

// The rows of `packed` [N, ...] as [B, T, ...] float32, zero where padding is.
at::Tensor Padded(const at::Tensor& packed, const AttentionBatch& batch) {
  const int64_t count = batch.num_sequences * batch.num_queries;
  const at::Tensor rows =
      batch.rows.defined() ? GatherRows(packed.flatten(1), batch.rows) : packed.narrow(0, batch.first_row, count);
  std::vector<int64_t> shape = packed.sizes().vec();
  shape[0] = batch.num_queries;
  shape.insert(shape.begin(), batch.num_sequences);
  return rows.reshape(shape).to(at::kFloat);
}

// The padded results of all batches [B * T, ...] as packed rows.
at::Tensor Packed(const std::vector<at::Tensor>& results, const PaddedAttention& padded) {
  const at::Tensor all = results.size() == 1 ? results[0] : at::cat(results, 0);
  if (!padded.places.defined()) return all;
  std::vector<int64_t> shape = all.sizes().vec();
  shape[0] = padded.places.size(0);
  return GatherRows(all.flatten(1), padded.places).view(shape);
}

// [B, T, ...] -> [B, count * H, W]: heads become queries, for they share their keys.
at::Tensor HeadRows(const at::Tensor& padded, const Piece& piece) {
  const at::Tensor part = padded.narrow(1, piece.begin, piece.count);
  return part.reshape({padded.size(0), piece.count * padded.size(2), padded.size(3)});
}

// [B, count * H, S] float32
at::Tensor Probabilities(const at::Tensor& queries, const at::Tensor& keys, const AttentionBatch& batch,
                         const Piece& piece, double scale) {
  at::Tensor scores = at::bmm(queries, keys.transpose(1, 2)).mul_(scale);
  const int64_t num_heads = queries.size(1) / piece.count;
  const at::Tensor positions = batch.positions.narrow(1, piece.begin, piece.count).unsqueeze(2).unsqueeze(3);
  const at::Tensor key_positions = at::arange(piece.num_keys, positions.options());
  scores.view({batch.num_sequences, piece.count, num_heads, piece.num_keys})
      .masked_fill_(key_positions > positions, -std::numeric_limits<float>::infinity());
  return at::softmax(scores, -1);
}

struct AttentionInputs {
  at::Tensor queries;  // [N, H, W]
  at::Tensor latents;  // [N, W], or pages
  bool cached;
  PaddedAttention padded;
  int64_t value_width;
  double scale;
  std::vector<at::Tensor> probabilities;  // of each piece in order, where kept
};

at::Tensor Keys(const AttentionInputs& inputs, const AttentionBatch& batch) {
  if (!inputs.cached) return Padded(inputs.latents, batch);
  return GatherPages(inputs.latents, batch.page_table, batch.lengths, batch.num_keys).to(at::kFloat);
}

at::Tensor Forward(AttentionInputs& inputs, bool keep) {
  const at::NoGradGuard no_grad;
  const int64_t num_heads = inputs.queries.size(1);
  std::vector<at::Tensor> results;
  for (const AttentionBatch& batch : inputs.padded.batches) {
    const at::Tensor queries = Padded(inputs.queries, batch);
    const at::Tensor keys = Keys(inputs, batch);
    std::vector<at::Tensor> pieces;
    for (const Piece& piece : PiecesOf(batch, num_heads)) {
      const at::Tensor seen = keys.narrow(1, 0, piece.num_keys);
      const at::Tensor probabilities = Probabilities(HeadRows(queries, piece), seen, batch, piece, inputs.scale);
      if (keep) inputs.probabilities.push_back(probabilities);
      pieces.push_back(at::bmm(probabilities, seen.narrow(2, 0, inputs.value_width))
                           .view({batch.num_sequences, piece.count, num_heads, inputs.value_width}));
    }
    results.push_back((pieces.size() == 1 ? pieces[0] : at::cat(pieces, 1)).flatten(0, 1));
  }
  return Packed(results, inputs.padded).to(inputs.queries.scalar_type());
}

// Gradients of one batch: padded queries [B * T, H, W] and latents [B * T, W].
std::pair<at::Tensor, at::Tensor> BatchGradients(const AttentionInputs& inputs, const AttentionBatch& batch,
                                                 const at::Tensor& gradient, size_t& next_kept) {
  const int64_t num_heads = inputs.queries.size(1);
  const at::Tensor queries = Padded(inputs.queries, batch);
  const at::Tensor keys = Keys(inputs, batch);
  const at::Tensor outputs = Padded(gradient, batch);
  const at::Tensor key_gradient = at::zeros_like(keys);
  std::vector<at::Tensor> query_gradients;
  for (const Piece& piece : PiecesOf(batch, num_heads)) {
    const at::Tensor seen = keys.narrow(1, 0, piece.num_keys);
    const at::Tensor query = HeadRows(queries, piece);
    const at::Tensor output = HeadRows(outputs, piece);
    const at::Tensor probabilities = inputs.probabilities.empty()
                                         ? Probabilities(query, seen, batch, piece, inputs.scale)
                                         : inputs.probabilities[next_kept++];
    const at::Tensor values = seen.narrow(2, 0, inputs.value_width);
    const at::Tensor upstream = at::bmm(output, values.transpose(1, 2));
    const at::Tensor scores = at::_softmax_backward_data(upstream, probabilities, -1, at::kFloat).mul_(inputs.scale);
    query_gradients.push_back(at::bmm(scores, seen).view({batch.num_sequences, piece.count, num_heads, keys.size(2)}));
    const at::Tensor seen_gradient = key_gradient.narrow(1, 0, piece.num_keys);
    seen_gradient.add_(at::bmm(scores.transpose(1, 2), query));
    seen_gradient.narrow(2, 0, inputs.value_width).add_(at::bmm(probabilities.transpose(1, 2), output));
  }
  return {at::cat(query_gradients, 1).flatten(0, 1), key_gradient.flatten(0, 1)};
}

std::vector<at::Tensor> Backward(const AttentionInputs& inputs, const at::Tensor& gradient) {
  std::vector<at::Tensor> query_gradients;
  std::vector<at::Tensor> latent_gradients;
  size_t next_kept = 0;
  for (const AttentionBatch& batch : inputs.padded.batches) {
    auto [query, latent] = BatchGradients(inputs, batch, gradient, next_kept);
    query_gradients.push_back(query);
    latent_gradients.push_back(latent);
  }
  const at::ScalarType type = inputs.queries.scalar_type();
  return {Packed(query_gradients, inputs.padded).to(type), Packed(latent_gradients, inputs.padded).to(type)};
}

int64_t NumScores(const PaddedAttention& padded, int64_t num_heads) {
  int64_t count = 0;
  for (const AttentionBatch& batch : padded.batches) {
    count += batch.num_sequences * batch.num_queries * num_heads * batch.num_keys;
  }
  return count;
}

PaddedAttention PaddedOf(const AttentionPlan& plan, int64_t num_heads) {
  if (!plan.padded.batches.empty()) return plan.padded;
  return PadAttention(plan.units->sequences, plan.units->block_rows, plan.cached, num_heads);
}

}  // namespace

at::Tensor MlaAttentionReference(const at::Tensor& queries, const at::Tensor& latents, const AttentionPlan& plan,
                                 int64_t value_width, double scale) {
  AttentionInputs inputs{
      queries.detach(), latents.detach(), false, PaddedOf(plan, queries.size(1)), value_width, scale, {}};
  const bool keep = NeedsGradient({queries, latents}) && NumScores(inputs.padded, queries.size(1)) <= kScoresToKeep;
  const at::Tensor output = Forward(inputs, keep);
  return WithGradient(output, {queries, latents},
                      [inputs = std::move(inputs)](const at::Tensor& gradient) { return Backward(inputs, gradient); });
}

at::Tensor MlaAttentionOverPagesReference(const at::Tensor& queries, const at::Tensor& pages, const AttentionPlan& plan,
                                          int64_t value_width, double scale) {
  AttentionInputs inputs{queries.detach(), pages, true, PaddedOf(plan, queries.size(1)), value_width, scale, {}};
  return Forward(inputs, /*keep=*/false);
}

}  // namespace plumb
