#ifndef PLUMB_POLICY_KERNELS_CPU_ATTENTION_KERNELS_OF_ISA_H_
#define PLUMB_POLICY_KERNELS_CPU_ATTENTION_KERNELS_OF_ISA_H_

#include "policy/kernels/cpu/attention_rows.h"
#include "policy/kernels/cpu/attention_tiles.h"

// The bodies of AttentionKernels, included by the sources of the instruction-set classes alone.
namespace plumb::cpu {

template <Isa isa>
struct AttentionOf {
  using V = Vec<isa>;
  using Float = typename V::Float;
  using Math = VecMath<isa>;
  using Rows = AttentionRows<isa>;
  static constexpr int kLanes = V::kLanes;
  // Above it nothing is subtracted: a row that has seen no key has this maximum, and e^(it - it) is 1.
  static constexpr float kNoMaximum = -3.40282347e38f;
  static constexpr float kUnseen = -__builtin_inff();

  // Hides the keys that a row does not see.
  static void MaskScores(const KeyBlock& block, const float* limits, int rows, float* scores) {
    for (int i = 0; i < Rows::Registers(rows) * kLanes; i += kLanes) {
      const Float limit = V::Load(limits + i);
      for (int j = 0; j < block.num_keys; ++j) {
        float* score = scores + j * kMaxChunkRows + i;
        V::Store(score, V::WhereLess(limit, V::Set(static_cast<float>(j)), V::Set(kUnseen), V::Load(score)));
      }
    }
  }

  // Scores become weights e^(score - maximum); the factors bring what was summed before to the new maximum.
  static void UpdateSums(int num_keys, const RowChunk& chunk) {
    for (int i = 0; i < Rows::Registers(chunk.rows) * kLanes; i += kLanes) {
      float* scores = chunk.scores + i;
      const Float before = V::Load(chunk.maximum + i);
      Float maximum = before;
      for (int j = 0; j < num_keys; ++j) maximum = V::Max(maximum, V::Load(scores + j * kMaxChunkRows));
      const Float factor = Math::Exp(V::Sub(before, maximum));
      Float sum = V::Mul(V::Load(chunk.sum + i), factor);
      for (int j = 0; j < num_keys; ++j) {
        const Float weight = Math::Exp(V::Sub(V::Load(scores + j * kMaxChunkRows), maximum));
        V::Store(scores + j * kMaxChunkRows, weight);
        sum = V::Add(sum, weight);
      }
      V::Store(chunk.maximum + i, maximum);
      V::Store(chunk.sum + i, sum);
      V::Store(chunk.factors + i, factor);
    }
  }

  static void Attend(const KeyBlock& block, const RowChunk& chunk) {
    MultiplyByLane<isa>(
        {block.keys, block.stride, block.num_keys, block.width, chunk.queries, chunk.scores, block.to_next},
        chunk.rows);
    if (block.masked) MaskScores(block, chunk.limits, chunk.rows, chunk.scores);
    UpdateSums(block.num_keys, chunk);
    WeightedSum product;
    product.a = chunk.scores;
    product.row_stride = 1;
    product.inner_stride = kMaxChunkRows;
    product.inner = block.num_keys;
    product.b = block.values;
    product.b_stride = block.value_stride;
    product.y = chunk.output;
    product.y_stride = chunk.output_stride;
    product.rows = chunk.rows;
    product.columns = block.value_width;
    product.factors = chunk.factors;
    SumWeighted<isa>(product);
  }

  static void Merge(const SplitState& total, const SplitState& next, int rows, int64_t output_stride) {
    for (int row = 0; row < rows; ++row) {
      const Float before = V::Set(total.maximum[row]);
      const Float after = V::Set(next.maximum[row]);
      const Float maximum = V::Max(before, after);
      const Float keep = Math::Exp(V::Sub(before, maximum));
      const Float take = Math::Exp(V::Sub(after, maximum));
      const Float sum = V::Fma(V::Set(next.sum[row]), take, V::Mul(V::Set(total.sum[row]), keep));
      V::StoreTail(total.maximum + row, maximum, 1);
      V::StoreTail(total.sum + row, sum, 1);
      float* to = total.output + row * output_stride;
      const float* from = next.output + row * output_stride;
      for (int64_t w = 0; w < output_stride; w += kLanes) {
        V::Store(to + w, V::Fma(V::Load(from + w), take, V::Mul(V::Load(to + w), keep)));
      }
    }
  }

  // P = e^(S - logsumexp), dS = P (dP - delta) scale; dQ += dS K, dK += dS^T Q, dV += P^T dO.
  static void Gradients(const KeyBlock& block, const GradientChunk& chunk) {
    MultiplyByLane<isa>(
        {block.keys, block.stride, block.num_keys, block.width, chunk.queries_by_lane, chunk.probabilities},
        chunk.rows);
    if (block.masked) MaskScores(block, chunk.limits, chunk.rows, chunk.probabilities);
    MultiplyByLane<isa>(
        {block.values, block.value_stride, block.num_keys, block.value_width, chunk.upstream_by_lane, chunk.scores},
        chunk.rows);
    SoftmaxGradient(block.num_keys, chunk);
    WeightedSum queries;
    queries.a = chunk.scores;
    queries.row_stride = 1;
    queries.inner_stride = kMaxChunkRows;
    queries.inner = block.num_keys;
    queries.b = block.keys;
    queries.b_stride = block.stride;
    queries.y = chunk.query_gradient;
    queries.y_stride = chunk.key_stride;
    queries.rows = chunk.rows;
    queries.columns = block.width;
    SumWeighted<isa>(queries);
    WeightedSum keys;
    keys.a = chunk.scores;
    keys.row_stride = kMaxChunkRows;
    keys.inner_stride = 1;
    keys.inner = chunk.rows;
    keys.b = chunk.queries;
    keys.b_stride = chunk.key_stride;
    keys.y = chunk.key_gradient;
    keys.y_stride = chunk.key_stride;
    keys.rows = block.num_keys;
    keys.columns = block.width;
    SumWeighted<isa>(keys);
    WeightedSum values = keys;
    values.a = chunk.probabilities;
    values.b = chunk.upstream;
    values.b_stride = chunk.value_stride;
    values.y = chunk.value_gradient;
    values.y_stride = chunk.value_stride;
    values.columns = block.value_width;
    SumWeighted<isa>(values);
  }

  static void SoftmaxGradient(int num_keys, const GradientChunk& chunk) {
    const Float scale = V::Set(chunk.scale);
    for (int i = 0; i < Rows::Registers(chunk.rows) * kLanes; i += kLanes) {
      const Float logsumexp = V::Load(chunk.logsumexp + i);
      const Float delta = V::Load(chunk.delta + i);
      for (int j = 0; j < num_keys; ++j) {
        const int64_t place = j * kMaxChunkRows + i;
        const Float weight = Math::Exp(V::Sub(V::Load(chunk.probabilities + place), logsumexp));
        const Float change = V::Mul(weight, V::Sub(V::Load(chunk.scores + place), delta));
        V::Store(chunk.probabilities + place, weight);
        V::Store(chunk.scores + place, V::Mul(change, scale));
      }
    }
  }

  static constexpr AttentionKernels Table() {
    return {2 * kLanes, kLanes, Rows::PackByLane, Rows::Widen, Attend, Merge, Rows::Write, Gradients, SumWeighted<isa>};
  }
};

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_ATTENTION_KERNELS_OF_ISA_H_
