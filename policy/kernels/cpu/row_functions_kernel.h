#ifndef PLUMB_POLICY_KERNELS_CPU_ROW_FUNCTIONS_KERNEL_H_
#define PLUMB_POLICY_KERNELS_CPU_ROW_FUNCTIONS_KERNEL_H_

#include "policy/kernels/cpu/numerics.h"
#include "policy/kernels/cpu/plain_rows_kernel.h"
#include "policy/kernels/cpu/row_functions.h"
#include "policy/kernels/cpu/row_registers.h"
#include "policy/kernels/cpu/vec.h"
#include "policy/kernels/cpu/vocabulary_rows_kernel.h"

namespace plumb::cpu {

// Numerics: the dot product of two rows.
template <Isa isa, typename A, typename B>
float DotOfRows(const A* a, const B* b, int64_t width) {
  using V = Vec<isa>;
  float total = 0.0f;
  for (int64_t first = 0; first < width; first += kDotBlock) {
    typename V::Float sum = V::Zero();
    ForRegisters<isa>(width - first < kDotBlock ? width - first : kDotBlock, [&](int64_t i, int count) {
      sum = V::Fma(LoadSome<isa>(a + first + i, count), LoadSome<isa>(b + first + i, count), sum);
    });
    const float block = VecMath<isa>::Sum(sum);
    total = first == 0 ? block : total + block;
  }
  return total;
}

PLUMB_VEC float SquareRoot(float value) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(value))); }

// The value as it would be read back from storage.
template <Isa isa>
PLUMB_VEC typename Vec<isa>::Float Rounded(typename Vec<isa>::Float value, const float*) {
  return value;
}
template <Isa isa>
PLUMB_VEC typename Vec<isa>::Float Rounded(typename Vec<isa>::Float value, const Bf16*) {
  alignas(32) Bf16 stored[Vec<isa>::kLanes];
  Vec<isa>::Store(stored, value);
  return Vec<isa>::Load(stored);
}

template <Isa isa, typename T>
void RmsNormOf(const RmsNormRows& p, int64_t begin, int64_t end) {
  using V = Vec<isa>;
  const T* weight = static_cast<const T*>(p.weight);
  for (int64_t n = begin; n < end; ++n) {
    const T* x = static_cast<const T*>(p.x) + n * p.x_stride;
    T* y = static_cast<T*>(p.y) + n * p.y_stride;
    const float mean = DotOfRows<isa>(x, x, p.width) / static_cast<float>(p.width);
    const float scale = 1.0f / SquareRoot(mean + p.epsilon);
    if (p.scales != nullptr) p.scales[n] = scale;
    ForRegisters<isa>(p.width, [&](int64_t i, int count) {
      const typename V::Float normal = Rounded<isa>(V::Mul(LoadSome<isa>(x + i, count), V::Set(scale)), x);
      StoreSome<isa>(y + i, V::Mul(LoadSome<isa>(weight + i, count), normal), count);
    });
  }
}

template <Isa isa>
void RmsNorm(const RmsNormRows& rows, int64_t begin, int64_t end) {
  if (rows.type == FloatType::kFloat32) return RmsNormOf<isa, float>(rows, begin, end);
  RmsNormOf<isa, Bf16>(rows, begin, end);
}

template <Isa isa>
void RmsNormGradient(const RmsNormGradientRows& p, int64_t begin, int64_t end) {
  using V = Vec<isa>;
  for (int64_t n = begin; n < end; ++n) {
    const float* g = p.gradient + n * p.width;
    const float* x = p.x + n * p.x_stride;
    float* normal = p.normal + n * p.width;
    float* dx = p.dx + n * p.width;
    const typename V::Float scale = V::Set(p.scales[n]);
    ForRegisters<isa>(p.width, [&](int64_t i, int count) {
      const typename V::Float value = V::Mul(V::Mul(LoadSome<isa>(g + i, count), LoadSome<isa>(x + i, count)), scale);
      StoreSome<isa>(normal + i, value, count);
    });
    const typename V::Float mean = V::Set(DotOfRows<isa>(normal, p.weight, p.width) / static_cast<float>(p.width));
    ForRegisters<isa>(p.width, [&](int64_t i, int count) {
      const typename V::Float direct = V::Mul(LoadSome<isa>(g + i, count), LoadSome<isa>(p.weight + i, count));
      const typename V::Float along = V::Mul(V::Mul(LoadSome<isa>(x + i, count), scale), mean);
      StoreSome<isa>(dx + i, V::Mul(scale, V::Sub(direct, along)), count);
    });
  }
}

template <Isa isa, typename T>
void SwigluOf(const SwigluRows& p, int64_t begin, int64_t end) {
  using V = Vec<isa>;
  for (int64_t n = begin; n < end; ++n) {
    const T* gate = static_cast<const T*>(p.gate) + n * p.x_stride;
    const T* up = static_cast<const T*>(p.up) + n * p.x_stride;
    T* y = static_cast<T*>(p.y) + n * p.y_stride;
    ForRegisters<isa>(p.width, [&](int64_t i, int count) {
      const typename V::Float g = LoadSome<isa>(gate + i, count);
      const typename V::Float u = LoadSome<isa>(up + i, count);
      StoreSome<isa>(y + i, V::Mul(V::Mul(g, VecMath<isa>::Sigmoid(g)), u), count);
    });
  }
}

template <Isa isa>
void Swiglu(const SwigluRows& rows, int64_t begin, int64_t end) {
  if (rows.type == FloatType::kFloat32) return SwigluOf<isa, float>(rows, begin, end);
  SwigluOf<isa, Bf16>(rows, begin, end);
}

template <Isa isa>
void SwigluGradient(const SwigluGradientRows& p, int64_t begin, int64_t end) {
  using V = Vec<isa>;
  for (int64_t n = begin; n < end; ++n) {
    const float* gradient = p.gradient + n * p.width;
    const float* gate = p.gate_up + n * 2 * p.width;
    float* d_gate = p.d_gate_up + n * 2 * p.width;
    ForRegisters<isa>(p.width, [&](int64_t i, int count) {
      const typename V::Float d = LoadSome<isa>(gradient + i, count);
      const typename V::Float g = LoadSome<isa>(gate + i, count);
      const typename V::Float u = LoadSome<isa>(gate + p.width + i, count);
      const typename V::Float s = VecMath<isa>::Sigmoid(g);
      // silu'(g) = s (1 + g (1 - s))
      const typename V::Float slope = V::Mul(s, V::Fma(g, V::Sub(V::Set(1.0f), s), V::Set(1.0f)));
      StoreSome<isa>(d_gate + i, V::Mul(V::Mul(d, u), slope), count);
      StoreSome<isa>(d_gate + p.width + i, V::Mul(d, V::Mul(g, s)), count);
    });
  }
}

template <Isa isa>
void Scores(const ScoreRows& p, int64_t begin, int64_t end) {
  using V = Vec<isa>;
  for (int64_t n = begin; n < end; ++n) {
    const float* logits = p.logits + n * p.width;
    float* scores = p.scores + n * p.width;
    if (!p.softmax) {
      ForRegisters<isa>(p.width, [&](int64_t i, int count) {
        StoreSome<isa>(scores + i, VecMath<isa>::Sigmoid(LoadSome<isa>(logits + i, count)), count);
      });
      continue;
    }
    typename V::Float largest = V::Set(kFarBelow);
    ForRegisters<isa>(p.width, [&](int64_t i, int count) {
      largest = V::Max(largest, LoadFilled<isa>(logits + i, count, kFarBelow));
    });
    const typename V::Float top = V::Set(V::MaxLane(largest));
    typename V::Float sum = V::Zero();
    ForRegisters<isa>(p.width, [&](int64_t i, int count) {
      const typename V::Float value = VecMath<isa>::Exp(V::Sub(LoadFilled<isa>(logits + i, count, kFarBelow), top));
      sum = V::Add(sum, value);
      StoreSome<isa>(scores + i, value, count);
    });
    const typename V::Float total = V::Set(VecMath<isa>::Sum(sum));
    ForRegisters<isa>(p.width, [&](int64_t i, int count) {
      StoreSome<isa>(scores + i, V::Div(LoadSome<isa>(scores + i, count), total), count);
    });
  }
}

template <Isa isa, typename T>
void CombineOf(const CombineRows& p, int64_t begin, int64_t end) {
  using V = Vec<isa>;
  for (int64_t n = begin; n < end; ++n) {
    const int64_t* places = p.places + n * p.per_row;
    const float* weights = p.weights + n * p.per_row;
    T* y = static_cast<T*>(p.y) + n * p.width;
    ForRegisters<isa>(p.width, [&](int64_t i, int count) {
      typename V::Float sum = V::Zero();
      for (int64_t k = 0; k < p.per_row; ++k) {
        const T* output = static_cast<const T*>(p.outputs) + places[k] * p.width;
        const typename V::Float term = V::Mul(LoadSome<isa>(output + i, count), V::Set(weights[k]));
        sum = k == 0 ? term : V::Add(sum, term);
      }
      StoreSome<isa>(y + i, sum, count);
    });
  }
}

template <Isa isa>
void Combine(const CombineRows& rows, int64_t begin, int64_t end) {
  if (rows.type == FloatType::kFloat32) return CombineOf<isa, float>(rows, begin, end);
  CombineOf<isa, Bf16>(rows, begin, end);
}

template <Isa isa, typename T>
void CombineGradientOf(const CombineGradientRows& p, int64_t begin, int64_t end) {
  using V = Vec<isa>;
  for (int64_t choice = begin * p.per_row; choice < end * p.per_row; ++choice) {
    const float* gradient = p.gradient + choice / p.per_row * p.width;
    const T* output = static_cast<const T*>(p.outputs) + p.places[choice] * p.width;
    float* d_output = p.d_outputs + p.places[choice] * p.width;
    const typename V::Float weight = V::Set(p.weights[choice]);
    typename V::Float sum = V::Zero();
    ForRegisters<isa>(p.width, [&](int64_t i, int count) {
      const typename V::Float g = LoadSome<isa>(gradient + i, count);
      sum = V::Fma(g, LoadSome<isa>(output + i, count), sum);
      StoreSome<isa>(d_output + i, V::Mul(g, weight), count);
    });
    p.d_weights[choice] = VecMath<isa>::Sum(sum);
  }
}

template <Isa isa>
void CombineGradient(const CombineGradientRows& rows, int64_t begin, int64_t end) {
  if (rows.type == FloatType::kFloat32) return CombineGradientOf<isa, float>(rows, begin, end);
  CombineGradientOf<isa, Bf16>(rows, begin, end);
}

template <Isa isa>
constexpr RowFunctions MakeRowFunctions() {
  return {.rms_norm = RmsNorm<isa>,
          .rms_norm_gradient = RmsNormGradient<isa>,
          .swiglu = Swiglu<isa>,
          .rope = Rope<isa>,
          .copy = Copy<isa>,
          .add = Add<isa>,
          .swiglu_gradient = SwigluGradient<isa>,
          .scores = Scores<isa>,
          .combine = Combine<isa>,
          .combine_gradient = CombineGradient<isa>,
          .chunk_sums = ChunkSumsOfRows<isa>,
          .logit_gradient = LogitGradient<isa>,
          .all_finite = AllFinite<isa>};
}

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_ROW_FUNCTIONS_KERNEL_H_
