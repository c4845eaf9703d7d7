#include "rollout/sampler.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "base/philox.h"
#include "policy/kernels/cpu/parallel.h"
#include "policy/kernels/cpu/row_functions.h"
#include "policy/kernels/cpu/vocabulary_row.h"
#include "policy/kernels/token_logprobs.h"

namespace plumb {
namespace {

// What is worth a thread.
constexpr int64_t kLogitsPerThread = 1 << 14;
constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

// Requests that are sampled in one way, by their place among all requests.
struct Batch {
  std::vector<int64_t> places;
  std::vector<int64_t> rows;
  std::vector<float> temperatures;
  std::vector<double> uniforms;
  std::vector<int64_t> top_k;
  std::vector<double> top_p;
};

// Two draws of 23 bits make one in (0, 1) that is fine enough for rare tokens of a large vocabulary.
double UniformFor(const SampleRequest& request) {
  const double high = UniformAt(request.key, request.position, 0);
  const double low = UniformAt(request.key, request.position, 1);
  return high - 0x1p-24 + low * 0x1p-23;
}

void Add(Batch& batch, const SampleRequest& request, int64_t place, int64_t vocabulary) {
  batch.places.push_back(place);
  batch.rows.push_back(request.row);
  if (request.sampling->greedy) return;
  batch.temperatures.push_back(static_cast<float>(request.sampling->temperature));
  batch.uniforms.push_back(UniformFor(request));
  const int64_t top_k = request.sampling->top_k;
  batch.top_k.push_back(top_k == 0 ? vocabulary : std::min(top_k, vocabulary));
  batch.top_p.push_back(request.sampling->top_p);
}

template <typename T>
at::Tensor Column(const std::vector<T>& values, at::Device device) {
  return at::tensor(values).to(device).unsqueeze(1);
}

at::Tensor Rows(const at::Tensor& logits, const Batch& batch, int64_t tokenizer_size) {
  const at::Tensor rows = at::tensor(batch.rows).to(logits.device());
  return logits.narrow(1, 0, std::min(tokenizer_size, logits.size(1))).index_select(0, rows);
}

// [m, V] logits at the sampling temperature
at::Tensor Tempered(const at::Tensor& logits, const Batch& batch, int64_t tokenizer_size) {
  const at::Tensor rows = Rows(logits, batch, tokenizer_size);
  const bool all_one =
      std::all_of(batch.temperatures.begin(), batch.temperatures.end(), [](float t) { return t == 1; });
  return all_one ? rows : rows / Column(batch.temperatures, logits.device());
}

// The column of each row whose share of the cumulative distribution holds the row's uniform number: [m, 1] int64.
at::Tensor Invert(const at::Tensor& scores, const Batch& batch) {
  // softmax works row by row; the sum over a row's columns is taken in their order.
  const at::Tensor cumulative = scores.softmax(1).cumsum(1, at::kDouble);
  const at::Tensor target = Column(batch.uniforms, scores.device()) * cumulative.narrow(1, -1, 1);
  return at::searchsorted(cumulative, target, /*out_int32=*/false, /*right=*/true).clamp_max(scores.size(1) - 1);
}

void Store(const Batch& batch, const at::Tensor& ids, const at::Tensor& logprobs, std::vector<SampledToken>& sampled) {
  const at::Tensor host_ids = ids.contiguous().cpu();
  const at::Tensor host_logprobs = logprobs.contiguous().cpu();
  for (size_t i = 0; i < batch.places.size(); ++i) {
    sampled[batch.places[i]].id = host_ids.data_ptr<int64_t>()[i];
    sampled[batch.places[i]].sampling_logprob = host_logprobs.data_ptr<float>()[i];
  }
}

void SampleGreedy(const at::Tensor& logits, const Batch& batch, int64_t tokenizer_size,
                  std::vector<SampledToken>& sampled) {
  const at::Tensor ids = Rows(logits, batch, tokenizer_size).argmax(1);  // the first on a tie
  Store(batch, ids, at::zeros({ids.size(0)}, at::kFloat), sampled);
}

void SampleAll(const at::Tensor& logits, const Batch& batch, int64_t tokenizer_size,
               std::vector<SampledToken>& sampled) {
  const at::Tensor scores = Tempered(logits, batch, tokenizer_size);
  const at::Tensor ids = Invert(scores, batch);
  Store(batch, ids, LogprobsOfLogits(scores, ids.squeeze(1), /*temperature=*/1.0).logprobs, sampled);
}

// [m, V] scores in descending order, minus infinity from where top-k and top-p cut them off.
at::Tensor CutScores(const at::Tensor& sorted, const Batch& batch) {
  const at::Tensor ranks = at::arange(sorted.size(1), sorted.options().dtype(at::kLong)).unsqueeze(0);
  const at::Tensor scores = sorted.masked_fill(ranks >= Column(batch.top_k, sorted.device()), kMinusInfinity);
  const at::Tensor probabilities = scores.softmax(1).to(at::kDouble);
  const at::Tensor before = probabilities.cumsum(1) - probabilities;
  const at::Tensor top_p = Column(batch.top_p, sorted.device());
  // With top_p of 1 rounding must not cut off a tail.
  const at::Tensor cut = (before >= top_p).logical_and(top_p < 1).logical_and(ranks > 0);
  return scores.masked_fill(cut, kMinusInfinity);
}

void StoreKept(const at::Tensor& scores, const at::Tensor& order, const Batch& batch,
               absl::Span<const SampleRequest> requests, std::vector<SampledToken>& sampled) {
  const at::Tensor counts = scores.isfinite().sum(1).cpu();
  for (size_t i = 0; i < batch.places.size(); ++i) {
    if (!requests[batch.places[i]].sampling->return_kept_sets) continue;
    const int64_t count = counts.data_ptr<int64_t>()[i];
    const at::Tensor ids = order[static_cast<int64_t>(i)].narrow(0, 0, count).contiguous().cpu();
    std::vector<int64_t>& kept = sampled[batch.places[i]].kept;
    kept.assign(ids.data_ptr<int64_t>(), ids.data_ptr<int64_t>() + count);
    std::sort(kept.begin(), kept.end());
  }
}

void SampleCut(const at::Tensor& logits, const Batch& batch, int64_t tokenizer_size,
               absl::Span<const SampleRequest> requests, std::vector<SampledToken>& sampled) {
  const at::Tensor tempered = Tempered(logits, batch, tokenizer_size);
  const auto [sorted, order] = tempered.sort(/*stable=*/true, /*dim=*/1, /*descending=*/true);
  const at::Tensor scores = CutScores(sorted, batch);
  const at::Tensor columns = Invert(scores, batch);
  Store(batch, order.gather(1, columns), scores.log_softmax(1).gather(1, columns), sampled);
  StoreKept(scores, order, batch, requests, sampled);
}

// The log-probability of each sampled token at temperature 1, and whether its row is finite.
void StoreLogprobs(const at::Tensor& logits, absl::Span<const SampleRequest> requests,
                   std::vector<SampledToken>& sampled) {
  std::vector<int64_t> rows;
  std::vector<int64_t> ids;
  for (size_t i = 0; i < requests.size(); ++i) {
    rows.push_back(requests[i].row);
    ids.push_back(sampled[i].id);
  }
  const at::Tensor picked = logits.index_select(0, at::tensor(rows, at::kLong).to(logits.device()));
  const at::Tensor targets = at::tensor(ids, at::kLong).to(logits.device());
  const at::Tensor logprobs = LogprobsOfLogits(picked, targets, /*temperature=*/1.0).logprobs.cpu();
  const at::Tensor finite = logits.isfinite().all(1).cpu();
  for (size_t i = 0; i < requests.size(); ++i) {
    sampled[i].logprob = logprobs.data_ptr<float>()[i];
    if (!finite.data_ptr<bool>()[requests[i].row]) sampled[i] = {.finite = false};
  }
}

int64_t LargestId(const float* logits, int64_t count) {
  return std::max_element(logits, logits + count) - logits;  // the first on a tie
}

// Draws where the whole vocabulary is kept; where `token` has been drawn already, scores it alone. On the CPU, in the
// caller's thread, without a copy of the row.
//   logits  [V]
void DrawOnCpu(absl::Span<const float> logits, const SampleRequest& request, int64_t vocabulary, SampledToken& token) {
  const int64_t width = static_cast<int64_t>(logits.size());
  if (!cpu::ActiveRowFunctions().all_finite(logits.data(), width)) {
    token = {.finite = false};
    return;
  }
  if (token.id < 0 && request.sampling->greedy) token.id = LargestId(logits.data(), vocabulary);
  const float temperature = static_cast<float>(request.sampling->temperature);
  if (token.id < 0) {
    const cpu::VocabularyRow row(logits.data(), vocabulary, temperature);
    token.id = row.Draw(UniformFor(request));
    token.sampling_logprob = row.Logprob(token.id);
    if (temperature == 1.0f && vocabulary == width) {
      token.logprob = token.sampling_logprob;
      return;
    }
  }
  token.logprob = cpu::VocabularyRow(logits.data(), width, /*temperature=*/1.0f).Logprob(token.id);
}

void DrawAllOnCpu(const at::Tensor& logits, absl::Span<const SampleRequest> requests, int64_t vocabulary,
                  std::vector<SampledToken>& sampled) {
  const at::Tensor rows = logits.contiguous();
  const float* numbers = rows.const_data_ptr<float>();
  const int64_t width = rows.size(1);
  const auto draw = [&](int64_t i) {
    const absl::Span<const float> row(numbers + requests[i].row * width, width);
    DrawOnCpu(row, requests[i], vocabulary, sampled[i]);
  };
  const int64_t count = static_cast<int64_t>(requests.size());
  if (count * width < kLogitsPerThread) {
    for (int64_t i = 0; i < count; ++i) draw(i);
  } else {
    cpu::RunTogether([&] { cpu::ParallelTasks(count, draw); });
  }
}

bool KeepsAll(const SamplingOptions& sampling, int64_t vocabulary) {
  return sampling.top_p >= 1 && (sampling.top_k == 0 || sampling.top_k >= vocabulary);
}

}  // namespace

std::vector<SampledToken> SampleTokens(const at::Tensor& logits, absl::Span<const SampleRequest> requests,
                                       int64_t tokenizer_size) {
  std::vector<SampledToken> sampled(requests.size());
  if (requests.empty()) return sampled;
  const int64_t vocabulary = std::min(tokenizer_size, logits.size(1));
  const bool on_cpu = logits.is_cpu();
  Batch greedy, all, cut;
  for (size_t i = 0; i < requests.size(); ++i) {
    const SamplingOptions& sampling = *requests[i].sampling;
    const bool plain = sampling.greedy || KeepsAll(sampling, vocabulary);
    if (plain && on_cpu) continue;
    Add(sampling.greedy ? greedy : plain ? all : cut, requests[i], static_cast<int64_t>(i), vocabulary);
  }
  if (!greedy.places.empty()) SampleGreedy(logits, greedy, tokenizer_size, sampled);
  if (!all.places.empty()) SampleAll(logits, all, tokenizer_size, sampled);
  if (!cut.places.empty()) SampleCut(logits, cut, tokenizer_size, requests, sampled);
  if (on_cpu) {
    DrawAllOnCpu(logits, requests, vocabulary, sampled);
  } else {
    StoreLogprobs(logits, requests, sampled);
  }
  return sampled;
}

}  // namespace plumb
