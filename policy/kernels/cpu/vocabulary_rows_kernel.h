#ifndef PLUMB_POLICY_KERNELS_CPU_VOCABULARY_ROWS_KERNEL_H_
#define PLUMB_POLICY_KERNELS_CPU_VOCABULARY_ROWS_KERNEL_H_

#include "policy/kernels/cpu/numerics.h"
#include "policy/kernels/cpu/row_functions.h"
#include "policy/kernels/cpu/row_registers.h"
#include "policy/kernels/cpu/vec.h"

namespace plumb::cpu {

template <Isa isa>
PLUMB_VEC typename Vec<isa>::Float Tempered(typename Vec<isa>::Float logits, float temperature) {
  return temperature == 1.0f ? logits : Vec<isa>::Div(logits, Vec<isa>::Set(temperature));
}

template <Isa isa>
PLUMB_VEC ChunkSums SumsOfChunk(const float* logits, int64_t width, float temperature) {
  using V = Vec<isa>;
  typename V::Float largest = V::Set(kFarBelow);
  ForRegisters<isa>(width, [&](int64_t i, int count) {
    largest = V::Max(largest, Tempered<isa>(LoadFilled<isa>(logits + i, count, kFarBelow), temperature));
  });
  const float top = V::MaxLane(largest);
  typename V::Float sum = V::Zero();
  typename V::Float weighted = V::Zero();
  ForRegisters<isa>(width, [&](int64_t i, int count) {
    const typename V::Float tempered = Tempered<isa>(LoadFilled<isa>(logits + i, count, kFarBelow), temperature);
    const typename V::Float below = V::Max(V::Set(kFarBelow), V::Sub(tempered, V::Set(top)));
    const typename V::Float value = VecMath<isa>::Exp(below);
    sum = V::Add(sum, value);
    weighted = V::Fma(value, below, weighted);
  });
  return {top, VecMath<isa>::Sum(sum), VecMath<isa>::Sum(weighted)};
}

template <Isa isa>
void ChunkSumsOfRows(const VocabularyRows& p, int64_t begin, int64_t end) {
  for (int64_t n = begin; n < end; ++n) {
    ChunkSums* sums = p.sums + n * p.sums_stride;
    for (int64_t first = 0; first < p.width; first += kVocabularyChunk) {
      const int64_t width = p.width - first < kVocabularyChunk ? p.width - first : kVocabularyChunk;
      *sums++ = SumsOfChunk<isa>(p.logits + n * p.stride + first, width, p.temperature);
    }
  }
}

template <Isa isa>
void LogitGradient(const LogitGradientRows& p, int64_t begin, int64_t end) {
  using V = Vec<isa>;
  for (int64_t n = begin; n < end; ++n) {
    const float* logits = p.logits + n * p.width;
    float* gradient = p.gradient + n * p.width;
    const typename V::Float log_sum = V::Set(p.log_sums[n]);
    const typename V::Float factor = V::Set(-p.factors[n]);
    ForRegisters<isa>(p.width, [&](int64_t i, int count) {
      const typename V::Float tempered = Tempered<isa>(LoadSome<isa>(logits + i, count), p.temperature);
      StoreSome<isa>(gradient + i, V::Mul(factor, VecMath<isa>::Exp(V::Sub(tempered, log_sum))), count);
    });
    const int64_t target = p.targets[n];
    if (target >= 0 && target < p.width) gradient[target] += p.factors[n];
  }
}

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_VOCABULARY_ROWS_KERNEL_H_
