#include "policy/kernels/cpu/vocabulary_row.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "policy/kernels/cpu/numerics.h"

namespace plumb::cpu {
namespace {

ChunkSums* ThreadsChunks(int64_t count) {
  thread_local std::vector<ChunkSums> chunks;  // kept: a decode step allocates nothing
  if (static_cast<int64_t>(chunks.size()) < count) chunks.resize(count);
  return chunks.data();
}

}  // namespace

void VocabularySums::Add(const ChunkSums& chunk) {
  if (!any_) {
    sums_ = chunk;
    any_ = true;
    return;
  }
  const float largest = std::max(sums_.largest, chunk.largest);
  const float before = std::exp(sums_.largest - largest);
  const float now = std::exp(chunk.largest - largest);
  sums_.weighted = (sums_.weighted + sums_.sum * (sums_.largest - largest)) * before +
                   (chunk.weighted + chunk.sum * (chunk.largest - largest)) * now;
  sums_.sum = sums_.sum * before + chunk.sum * now;
  sums_.largest = largest;
}

float VocabularySums::log_sum() const { return sums_.largest + std::log(sums_.sum); }

float VocabularySums::entropy() const { return std::log(sums_.sum) - sums_.weighted / sums_.sum; }

VocabularyRow::VocabularyRow(const float* logits, int64_t count, float temperature)
    : logits_(logits),
      count_(count),
      temperature_(temperature),
      num_chunks_((count + kVocabularyChunk - 1) / kVocabularyChunk),
      chunks_(ThreadsChunks(num_chunks_)) {
  const VocabularyRows rows = {logits_, count_, count_, temperature_, chunks_, num_chunks_};
  ActiveRowFunctions().chunk_sums(rows, 0, 1);
  for (int64_t chunk = 0; chunk < num_chunks_; ++chunk) sums_.Add(chunks_[chunk]);
}

float VocabularyRow::Tempered(int64_t id) const {
  return temperature_ == 1.0f ? logits_[id] : logits_[id] / temperature_;
}

float VocabularyRow::Logprob(int64_t id) const { return Tempered(id) - sums_.log_sum(); }

int64_t VocabularyRow::Draw(double uniform) const {
  float top = chunks_[0].largest;
  for (int64_t chunk = 1; chunk < num_chunks_; ++chunk) top = std::max(top, chunks_[chunk].largest);
  const auto mass = [&](int64_t chunk) {
    return static_cast<double>(chunks_[chunk].sum) * std::exp(static_cast<double>(chunks_[chunk].largest) - top);
  };
  double total = 0;
  for (int64_t chunk = 0; chunk < num_chunks_; ++chunk) total += mass(chunk);
  const double target = uniform * total;
  double before = 0;
  int64_t likely = 0;  // the last chunk that has a share; rounding must not lead beyond it
  for (int64_t chunk = 0; chunk < num_chunks_; ++chunk) {
    const double share = mass(chunk);
    if (before + share > target) return DrawInChunk(chunk, (target - before) / share);
    if (share > 0) likely = chunk;
    before += share;
  }
  return DrawInChunk(likely, 1.0);
}

// The id where the chunk's own cumulative distribution passes `share`, or the last that has a part of it.
int64_t VocabularyRow::DrawInChunk(int64_t chunk, double share) const {
  const int64_t begin = chunk * kVocabularyChunk;
  const int64_t end = std::min(begin + kVocabularyChunk, count_);
  const double top = chunks_[chunk].largest;
  double weights[kVocabularyChunk];
  double total = 0;
  for (int64_t id = begin; id < end; ++id) {
    weights[id - begin] = std::exp(static_cast<double>(Tempered(id)) - top);
    total += weights[id - begin];
  }
  const double target = share * total;
  double sum = 0;
  int64_t likely = begin;
  for (int64_t id = begin; id < end; ++id) {
    sum += weights[id - begin];
    if (sum > target) return id;
    if (weights[id - begin] > 0) likely = id;
  }
  return likely;
}

}  // namespace plumb::cpu
