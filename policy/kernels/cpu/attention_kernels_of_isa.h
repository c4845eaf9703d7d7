#ifndef PLUMB_POLICY_KERNELS_CPU_ATTENTION_KERNELS_OF_ISA_H_
#define PLUMB_POLICY_KERNELS_CPU_ATTENTION_KERNELS_OF_ISA_H_

#include "policy/kernels/cpu/attention_tiles.h"

// The bodies of AttentionKernels, included by the sources of the instruction-set classes alone.
namespace plumb::cpu {

template <Isa isa>
struct AttentionOf {
  using V = Vec<isa>;
  using Float = typename V::Float;
  using Math = VecMath<isa>;
  static constexpr int kLanes = V::kLanes;
  // Above it nothing is subtracted: a row that has seen no key has this maximum, and e^(it - it) is 1.
  static constexpr float kNoMaximum = -3.40282347e38f;
  static constexpr float kUnseen = -__builtin_inff();

  PLUMB_VEC int Registers(int rows) { return rows > kLanes ? 2 : 1; }

  PLUMB_VEC int64_t Offset(const HeadRows& rows, int row) {
    const int place = rows.begin + row;
    return (place / rows.num_heads) * rows.token_stride + static_cast<int64_t>(place % rows.num_heads) * rows.width;
  }

  PLUMB_VEC __m256 LoadEight(const float* from, int count) {
    if (count >= 8) return _mm256_loadu_ps(from);
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_maskload_ps(from, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lanes));
  }

  PLUMB_VEC __m256 LoadEight(const Bf16* from, int count) {
    alignas(16) uint16_t bits[8] = {};
    for (int lane = 0; lane < count && lane < 8; ++lane) bits[lane] = from[lane].bits;
    const __m128i narrow = _mm_load_si128(reinterpret_cast<const __m128i*>(bits));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(narrow), 16));
  }

  PLUMB_VEC void Transpose(__m256 (&x)[8]) {
    __m256 pairs[8];
    for (int i = 0; i < 8; i += 2) {
      pairs[i] = _mm256_unpacklo_ps(x[i], x[i + 1]);
      pairs[i + 1] = _mm256_unpackhi_ps(x[i], x[i + 1]);
    }
    __m256 fours[8];
    for (int i = 0; i < 8; i += 4) {
      fours[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
      fours[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xee);
      fours[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
      fours[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xee);
    }
    for (int i = 0; i < 4; ++i) {
      x[i] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x20);
      x[i + 4] = _mm256_permute2f128_ps(fours[i], fours[i + 4], 0x31);
    }
  }

  template <typename T>
  static void PackRows(const T* from, const HeadRows& rows, float scale, float* to) {
    const __m256 factor = _mm256_set1_ps(scale);
    const int lanes = Registers(rows.count) * kLanes;
    for (int lane = 0; lane < lanes; lane += 8) {
      int64_t offsets[8];
      for (int i = 0; i < 8; ++i) offsets[i] = lane + i < rows.count ? Offset(rows, lane + i) : -1;
      for (int w = 0; w < rows.width; w += 8) {
        const int count = rows.width - w < 8 ? rows.width - w : 8;
        __m256 x[8];
        for (int i = 0; i < 8; ++i) {
          x[i] = offsets[i] < 0 ? _mm256_setzero_ps()
                                : _mm256_mul_ps(LoadEight(from + offsets[i] + w, count), factor);
        }
        Transpose(x);
        for (int i = 0; i < count; ++i) _mm256_storeu_ps(to + (w + i) * kMaxChunkRows + lane, x[i]);
      }
    }
  }

  static void PackByLane(const void* from, const HeadRows& rows, float scale, float* to) {
    if (rows.type == NumberType::kFloat32) {
      PackRows(static_cast<const float*>(from), rows, scale, to);
    } else {
      PackRows(static_cast<const Bf16*>(from), rows, scale, to);
    }
  }

  template <typename T>
  static void WidenRows(const T* from, const HeadRows& rows, float* to, int64_t stride) {
    for (int row = 0; row < rows.count; ++row) {
      const T* source = from + Offset(rows, row);
      float* target = to + row * stride;
      int w = 0;
      for (; w + kLanes <= rows.width; w += kLanes) V::Store(target + w, V::Load(source + w));
      if (w < rows.width) {
        V::StoreTail(target + w, V::LoadTail(source + w, rows.width - w), rows.width - w);
        w = rows.width;
      }
      for (; w < stride; ++w) target[w] = 0.0f;
    }
  }

  static void Widen(const void* from, const HeadRows& rows, float* to, int64_t stride) {
    if (rows.type == NumberType::kFloat32) {
      WidenRows(static_cast<const float*>(from), rows, to, stride);
    } else {
      WidenRows(static_cast<const Bf16*>(from), rows, to, stride);
    }
  }

  // Hides the keys that a row does not see.
  static void MaskScores(const KeyBlock& block, const float* limits, int rows, float* scores) {
    for (int i = 0; i < Registers(rows) * kLanes; i += kLanes) {
      const Float limit = V::Load(limits + i);
      for (int j = 0; j < block.num_keys; ++j) {
        float* score = scores + j * kMaxChunkRows + i;
        V::Store(score, V::WhereLess(limit, V::Set(static_cast<float>(j)), V::Set(kUnseen), V::Load(score)));
      }
    }
  }

  // Scores become weights e^(score - maximum); the factors bring what was summed before to the new maximum.
  static void UpdateSums(int num_keys, const RowChunk& chunk) {
    for (int i = 0; i < Registers(chunk.rows) * kLanes; i += kLanes) {
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
    MultiplyByLane<isa>({block.keys, block.stride, block.num_keys, block.width, chunk.queries, chunk.scores},
                        chunk.rows);
    if (block.masked) MaskScores(block, chunk.limits, chunk.rows, chunk.scores);
    UpdateSums(block.num_keys, chunk);
    ColumnProduct product;
    product.a = chunk.scores;
    product.row_stride = 1;
    product.inner_stride = kMaxChunkRows;
    product.inner = block.num_keys;
    product.b = block.keys;
    product.b_stride = block.stride;
    product.y = chunk.output;
    product.y_stride = chunk.output_stride;
    product.rows = chunk.rows;
    product.columns = block.value_width;
    product.factors = chunk.factors;
    MultiplyColumns<isa>(product);
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

  template <typename T>
  static void WriteRows(const float* from, int64_t stride, const float* factors, const HeadRows& rows, T* to) {
    for (int row = 0; row < rows.count; ++row) {
      const float* source = from + row * stride;
      const Float factor = V::Set(factors == nullptr ? 1.0f : factors[row]);
      T* target = to + Offset(rows, row);
      int w = 0;
      for (; w + kLanes <= rows.width; w += kLanes) V::Store(target + w, V::Mul(V::Load(source + w), factor));
      if (w < rows.width) {
        const int tail = rows.width - w;
        V::StoreTail(target + w, V::Mul(V::LoadTail(source + w, tail), factor), tail);
      }
    }
  }

  static void Write(const float* from, int64_t stride, const float* factors, const HeadRows& rows, void* to) {
    if (rows.type == NumberType::kFloat32) {
      WriteRows(from, stride, factors, rows, static_cast<float*>(to));
    } else {
      WriteRows(from, stride, factors, rows, static_cast<Bf16*>(to));
    }
  }

  // P = e^(S - logsumexp), dS = P (dP - delta) scale; dQ += dS K, dK += dS^T Q, and the value's part of dK += P^T dO.
  static void Gradients(const KeyBlock& block, const GradientChunk& chunk) {
    MultiplyByLane<isa>(
        {block.keys, block.stride, block.num_keys, block.width, chunk.queries_by_lane, chunk.probabilities},
        chunk.rows);
    if (block.masked) MaskScores(block, chunk.limits, chunk.rows, chunk.probabilities);
    MultiplyByLane<isa>(
        {block.keys, block.stride, block.num_keys, block.value_width, chunk.upstream_by_lane, chunk.scores},
        chunk.rows);
    SoftmaxGradient(block.num_keys, chunk);
    ColumnProduct queries;
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
    MultiplyColumns<isa>(queries);
    ColumnProduct keys;
    keys.row_stride = kMaxChunkRows;
    keys.inner_stride = 1;
    keys.inner = chunk.rows;
    keys.y = chunk.key_gradient;
    keys.y_stride = chunk.key_stride;
    keys.rows = block.num_keys;
    keys.a = chunk.scores;
    keys.b = chunk.queries;
    keys.b_stride = chunk.key_stride;
    keys.columns = block.width;
    MultiplyColumns<isa>(keys);
    keys.a = chunk.probabilities;
    keys.b = chunk.upstream;
    keys.b_stride = chunk.value_stride;
    keys.columns = block.value_width;
    MultiplyColumns<isa>(keys);
  }

  static void SoftmaxGradient(int num_keys, const GradientChunk& chunk) {
    const Float scale = V::Set(chunk.scale);
    for (int i = 0; i < Registers(chunk.rows) * kLanes; i += kLanes) {
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
    return {2 * kLanes, kLanes, PackByLane, Widen, Attend, Merge, Write, Gradients, MultiplyColumns<isa>};
  }
};

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_ATTENTION_KERNELS_OF_ISA_H_
