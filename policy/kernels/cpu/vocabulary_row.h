#ifndef PLUMB_POLICY_KERNELS_CPU_VOCABULARY_ROW_H_
#define PLUMB_POLICY_KERNELS_CPU_VOCABULARY_ROW_H_

#include <cstdint>

#include "policy/kernels/cpu/row_functions.h"

namespace plumb::cpu {

// What a row's chunks of the vocabulary have given so far, in their order.
class VocabularySums {
 public:
  void Add(const ChunkSums& chunk);
  float log_sum() const;  // log of the sum of e^logit
  float entropy() const;

 private:
  ChunkSums sums_ = {};
  bool any_ = false;
};

// The distribution softmax(logits / temperature) of one row over the ids below `count`. Its log-probabilities have the
// bits of those of a training forward. It uses memory of its thread: one object per thread at a time.
class VocabularyRow {
 public:
  //   logits  [count] finite; they outlive the object
  VocabularyRow(const float* logits, int64_t count, float temperature);

  // Natural log.
  float Logprob(int64_t id) const;

  // The id at which the cumulative distribution, added in double, passes `uniform`, which lies in (0, 1).
  int64_t Draw(double uniform) const;

 private:
  float Tempered(int64_t id) const;
  int64_t DrawInChunk(int64_t chunk, double share) const;

  const float* const logits_;
  const int64_t count_;
  const float temperature_;
  const int64_t num_chunks_;
  ChunkSums* const chunks_;  // of the thread's memory
  VocabularySums sums_;
};

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_VOCABULARY_ROW_H_
