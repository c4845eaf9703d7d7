#ifndef PLUMB_POLICY_KERNELS_CPU_VEC_H_
#define PLUMB_POLICY_KERNELS_CPU_VEC_H_

#include <immintrin.h>

#include <cstdint>

#include "policy/kernels/cpu/float_type.h"
#include "policy/kernels/cpu/isa.h"

// One register of float32 lanes of an instruction-set class, so that a kernel is written once as
//
//   template <Isa isa> void Kernel(...) { using V = Vec<isa>; typename V::Float x = V::Load(p); ... }
//
// and instantiated in KERNEL_avx2.cc and KERNEL_avx512.cc, which CMake compiles for their class. Only those two include
// this header, and they include no header with ordinary inline functions (no standard containers, no Abseil, no torch):
// the linker keeps one copy of such a function for the whole program, and it could be the one that only a newer
// processor can run. Products and sums are contracted to FMA only where Fma() says so (-ffp-contract=off).
#define PLUMB_VEC static inline __attribute__((always_inline))
#define PLUMB_INLINE inline __attribute__((always_inline))

namespace plumb::cpu {

// What both classes share lies in VecMath below. Tails: `count` lanes from lane 0 on, the others are zero when loaded
// and untouched when stored.
template <Isa isa>
struct Vec;

#if defined(__AVX512F__)

template <>
struct Vec<Isa::kAvx512> {
  static constexpr int kLanes = 16;
  using Float = __m512;
  using Int = __m512i;

  PLUMB_VEC Float Zero() { return _mm512_setzero_ps(); }
  PLUMB_VEC Float Set(float value) { return _mm512_set1_ps(value); }
  PLUMB_VEC Float Load(const float* from) { return _mm512_loadu_ps(from); }
  PLUMB_VEC Float LoadTail(const float* from, int count) { return _mm512_maskz_loadu_ps(Mask(count), from); }
  PLUMB_VEC Float Load(const Bf16* from) { return Widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))); }
  PLUMB_VEC Float LoadTail(const Bf16* from, int count) { return Widen(_mm256_maskz_loadu_epi16(Mask(count), from)); }
  PLUMB_VEC void Store(float* to, Float value) { _mm512_storeu_ps(to, value); }
  PLUMB_VEC void StoreTail(float* to, Float value, int count) { _mm512_mask_storeu_ps(to, Mask(count), value); }
  PLUMB_VEC void Store(Bf16* to, Float value) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), Narrow(value)); }
  PLUMB_VEC void StoreTail(Bf16* to, Float value, int count) {
    _mm256_mask_storeu_epi16(to, Mask(count), Narrow(value));
  }

  PLUMB_VEC Float Add(Float a, Float b) { return _mm512_add_ps(a, b); }
  PLUMB_VEC Float Sub(Float a, Float b) { return _mm512_sub_ps(a, b); }
  PLUMB_VEC Float Mul(Float a, Float b) { return _mm512_mul_ps(a, b); }
  PLUMB_VEC Float Div(Float a, Float b) { return _mm512_div_ps(a, b); }
  // a * b + c
  PLUMB_VEC Float Fma(Float a, Float b, Float c) { return _mm512_fmadd_ps(a, b, c); }
  // c - a * b
  PLUMB_VEC Float Fnma(Float a, Float b, Float c) { return _mm512_fnmadd_ps(a, b, c); }
  // The second where one of them is not a number.
  PLUMB_VEC Float Max(Float a, Float b) { return _mm512_max_ps(a, b); }
  PLUMB_VEC Float Min(Float a, Float b) { return _mm512_min_ps(a, b); }
  // `value` where x < limit, else x's counterpart in `other`.
  PLUMB_VEC Float WhereLess(Float x, Float limit, Float value, Float other) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, limit, _CMP_LT_OQ), other, value);
  }
  PLUMB_VEC Float Round(Float a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // 2^n for a whole number n of -126 ... 127
  PLUMB_VEC Float PowerOfTwo(Float n) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127)), 23));
  }

  // Numerics: the sum of lanes, for four registers at once.
  PLUMB_VEC __m128 Sum4(Float a, Float b, Float c, Float d) {
    const Float ab = Add(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    const Float cd = Add(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    const Float quarters = Add(_mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd))),
                               _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd))));
    const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(quarters), _mm512_extractf32x8_ps(quarters, 1));
    return _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  }
  PLUMB_VEC float MaxLane(Float a) { return _mm512_reduce_max_ps(a); }

 private:
  PLUMB_VEC __mmask16 Mask(int count) { return static_cast<__mmask16>((1u << count) - 1); }
  PLUMB_VEC Float Widen(__m256i bits) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
  }
  // To the nearest, ties to even; what is not a number stays so.
  PLUMB_VEC __m256i Narrow(Float value) {
    const Int bits = _mm512_castps_si512(value);
    const Int odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const Int rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    const __mmask16 nan = _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q);
    return _mm512_cvtepi32_epi16(
        _mm512_srli_epi32(_mm512_mask_blend_epi32(nan, rounded, _mm512_set1_epi32(0x7fc00000)), 16));
  }
};

#elif defined(__AVX2__)

template <>
struct Vec<Isa::kAvx2> {
  static constexpr int kLanes = 8;
  using Float = __m256;
  using Int = __m256i;

  PLUMB_VEC Float Zero() { return _mm256_setzero_ps(); }
  PLUMB_VEC Float Set(float value) { return _mm256_set1_ps(value); }
  PLUMB_VEC Float Load(const float* from) { return _mm256_loadu_ps(from); }
  PLUMB_VEC Float LoadTail(const float* from, int count) { return _mm256_maskload_ps(from, Mask(count)); }
  PLUMB_VEC Float Load(const Bf16* from) { return Widen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))); }
  PLUMB_VEC Float LoadTail(const Bf16* from, int count) {
    alignas(16) uint16_t bits[kLanes] = {};
    for (int lane = 0; lane < count; ++lane) bits[lane] = from[lane].bits;
    return Widen(_mm_load_si128(reinterpret_cast<const __m128i*>(bits)));
  }
  PLUMB_VEC void Store(float* to, Float value) { _mm256_storeu_ps(to, value); }
  PLUMB_VEC void StoreTail(float* to, Float value, int count) { _mm256_maskstore_ps(to, Mask(count), value); }
  PLUMB_VEC void Store(Bf16* to, Float value) { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), Narrow(value)); }
  PLUMB_VEC void StoreTail(Bf16* to, Float value, int count) {
    alignas(16) uint16_t bits[kLanes];
    _mm_store_si128(reinterpret_cast<__m128i*>(bits), Narrow(value));
    for (int lane = 0; lane < count; ++lane) to[lane].bits = bits[lane];
  }

  PLUMB_VEC Float Add(Float a, Float b) { return _mm256_add_ps(a, b); }
  PLUMB_VEC Float Sub(Float a, Float b) { return _mm256_sub_ps(a, b); }
  PLUMB_VEC Float Mul(Float a, Float b) { return _mm256_mul_ps(a, b); }
  PLUMB_VEC Float Div(Float a, Float b) { return _mm256_div_ps(a, b); }
  // a * b + c
  PLUMB_VEC Float Fma(Float a, Float b, Float c) { return _mm256_fmadd_ps(a, b, c); }
  // c - a * b
  PLUMB_VEC Float Fnma(Float a, Float b, Float c) { return _mm256_fnmadd_ps(a, b, c); }
  // The second where one of them is not a number.
  PLUMB_VEC Float Max(Float a, Float b) { return _mm256_max_ps(a, b); }
  PLUMB_VEC Float Min(Float a, Float b) { return _mm256_min_ps(a, b); }
  // `value` where x < limit, else x's counterpart in `other`.
  PLUMB_VEC Float WhereLess(Float x, Float limit, Float value, Float other) {
    return _mm256_blendv_ps(other, value, _mm256_cmp_ps(x, limit, _CMP_LT_OQ));
  }
  PLUMB_VEC Float Round(Float a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // 2^n for a whole number n of -126 ... 127
  PLUMB_VEC Float PowerOfTwo(Float n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23));
  }

  // Numerics: the sum of lanes, for four registers at once.
  PLUMB_VEC __m128 Sum4(Float a, Float b, Float c, Float d) {
    const Float ab = Add(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    const Float cd = Add(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
    const Float quarters = Add(_mm256_castpd_ps(_mm256_unpacklo_pd(_mm256_castps_pd(ab), _mm256_castps_pd(cd))),
                               _mm256_castpd_ps(_mm256_unpackhi_pd(_mm256_castps_pd(ab), _mm256_castps_pd(cd))));
    return _mm_add_ps(_mm256_castps256_ps128(quarters), _mm256_extractf128_ps(quarters, 1));
  }
  PLUMB_VEC float MaxLane(Float a) {
    const __m128 half = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 pair = _mm_max_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_max_ss(pair, _mm_shuffle_ps(pair, pair, 1)));
  }

 private:
  PLUMB_VEC Int Mask(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  PLUMB_VEC Float Widen(__m128i bits) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
  }
  // To the nearest, ties to even; what is not a number stays so.
  PLUMB_VEC __m128i Narrow(Float value) {
    const Int bits = _mm256_castps_si256(value);
    const Int odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const Int rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    const Int nan = _mm256_castps_si256(_mm256_cmp_ps(value, value, _CMP_UNORD_Q));
    const Int high = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, _mm256_set1_epi32(0x7fc00000), nan), 16);
    return _mm_packus_epi32(_mm256_castsi256_si128(high), _mm256_extracti128_si256(high, 1));
  }
};

#else
#error "vec.h is for sources that are compiled for one instruction-set class"
#endif

// One number of any stored type.
PLUMB_VEC float ToFloat(float value) { return value; }
PLUMB_VEC float ToFloat(Bf16 value) {
  return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(static_cast<int32_t>(uint32_t{value.bits} << 16))));
}
PLUMB_VEC void StoreOne(float* to, float value) { *to = value; }
PLUMB_VEC void StoreOne(Bf16* to, float value) {
  const uint32_t bits = static_cast<uint32_t>(_mm_cvtsi128_si32(_mm_castps_si128(_mm_set_ss(value))));
  to->bits = value == value ? static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) : uint16_t{0x7fc0};
}

// What is made of a class's operations, the same way in both.
template <Isa isa>
struct VecMath {
  using V = Vec<isa>;
  using Float = typename V::Float;
  // 1 / 6! ... 1 / 0!
  static constexpr float kInverseFactorials[] = {1.0f / 720.0f, 1.0f / 120.0f, 1.0f / 24.0f, 1.0f / 6.0f,
                                                 0.5f,          1.0f,          1.0f};

  // Numerics: the sum of lanes.
  PLUMB_VEC float Sum(Float a) { return _mm_cvtss_f32(V::Sum4(a, a, a, a)); }

  // e^x to about one unit in the last place; 0 below -87.3, and no further than e^88 above. Not a number stays so.
  PLUMB_VEC Float Exp(Float x) {
    const Float clamped = V::Max(V::Set(-88.0f), V::Min(V::Set(88.0f), x));
    const Float n = V::Round(V::Mul(clamped, V::Set(1.44269504f)));
    // x - n ln 2, with ln 2 in two parts: the first has few enough bits for an exact product.
    Float r = V::Fnma(n, V::Set(0.693359375f), clamped);
    r = V::Fnma(n, V::Set(-2.12194440e-4f), r);
    // Taylor's series to the seventh power: |r| is at most ln 2 / 2.
    Float sum = V::Set(1.0f / 5040.0f);
    for (const float factor : kInverseFactorials) sum = V::Fma(sum, r, V::Set(factor));
    return V::WhereLess(x, V::Set(-87.3f), V::Zero(), V::Mul(sum, V::PowerOfTwo(n)));
  }

  // 1 / (1 + e^-x)
  PLUMB_VEC Float Sigmoid(Float x) { return V::Div(V::Set(1.0f), V::Add(V::Set(1.0f), Exp(V::Sub(V::Zero(), x)))); }
};

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_VEC_H_
