#ifndef PLUMB_POLICY_KERNELS_CPU_ATTENTION_ROWS_H_
#define PLUMB_POLICY_KERNELS_CPU_ATTENTION_ROWS_H_

#include "policy/kernels/cpu/attention_kernels.h"
#include "policy/kernels/cpu/transpose.h"
#include "policy/kernels/cpu/vec.h"

// How rows come out of tensors and go back, included by the sources of the instruction-set classes alone.
namespace plumb::cpu {

template <Isa isa>
struct AttentionRows {
  using V = Vec<isa>;
  using Float = typename V::Float;
  static constexpr int kLanes = V::kLanes;

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
          x[i] = offsets[i] < 0 ? _mm256_setzero_ps() : _mm256_mul_ps(LoadEight(from + offsets[i] + w, count), factor);
        }
        Transpose8(x);
        for (int i = 0; i < count; ++i) _mm256_storeu_ps(to + (w + i) * kMaxChunkRows + lane, x[i]);
      }
    }
  }

  static void PackByLane(const void* from, const HeadRows& rows, float scale, float* to) {
    if (rows.type == FloatType::kFloat32) {
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
    if (rows.type == FloatType::kFloat32) {
      WidenRows(static_cast<const float*>(from), rows, to, stride);
    } else {
      WidenRows(static_cast<const Bf16*>(from), rows, to, stride);
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
    if (rows.type == FloatType::kFloat32) {
      WriteRows(from, stride, factors, rows, static_cast<float*>(to));
    } else {
      WriteRows(from, stride, factors, rows, static_cast<Bf16*>(to));
    }
  }
};

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_ATTENTION_ROWS_H_
