#include "policy/kernels/token_logprobs.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "policy/kernels/custom_gradient.h"
#include "policy/kernels/linear.h"

namespace plumb {
namespace {

constexpr int64_t kLogitsPerPiece = 1 << 22;
// Log-probabilities up to this many are kept for the gradient instead of being made again.
constexpr int64_t kLogitsToKeep = 1 << 23;

int64_t RowsPerPiece(const at::Tensor& head) { return std::max<int64_t>(1, kLogitsPerPiece / head.size(0)); }

// [rows, V] float32
at::Tensor LogSoftmax(const at::Tensor& hidden, const at::Tensor& head, double temperature) {
  at::Tensor logits = Linear(hidden, head).to(at::kFloat);
  if (temperature != 1.0) logits = logits / temperature;
  return at::log_softmax(logits, -1);
}

struct Saved {
  at::Tensor hidden;
  at::Tensor head;
  at::Tensor targets;
  double temperature;
  std::vector<at::Tensor> pieces;  // log-probabilities, where kept
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

}  // namespace

TokenLogprobs ComputeTokenLogprobs(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets,
                                   double temperature) {
  const bool keep = NeedsGradient({hidden, head}) && hidden.size(0) * head.size(0) <= kLogitsToKeep;
  Saved saved{hidden.detach(), head.detach(), targets, temperature, {}};
  if (hidden.size(0) == 0) {
    const at::Tensor empty = at::zeros({0}, hidden.options().dtype(at::kFloat));
    return {empty, empty};
  }
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

}  // namespace plumb
