#ifndef PLUMB_POLICY_KERNELS_CPU_PLAIN_ROWS_KERNEL_H_
#define PLUMB_POLICY_KERNELS_CPU_PLAIN_ROWS_KERNEL_H_

#include "policy/kernels/cpu/row_functions.h"
#include "policy/kernels/cpu/row_registers.h"
#include "policy/kernels/cpu/vec.h"

// Row functions that add up nothing: a result has the same bits in every class.
namespace plumb::cpu {

template <Isa isa, typename T>
void RopeOf(const RopeRows& p, int64_t begin, int64_t end) {
  const int64_t step = p.interleaved ? 2 : 1;
  const int64_t to_second = p.interleaved ? 1 : p.pairs;
  for (int64_t n = begin; n < end; ++n) {
    const float* cosines = p.cosines + n * p.pairs;
    const float* sines = p.sines + n * p.pairs;
    for (int64_t h = 0; h < p.heads; ++h) {
      const T* x = static_cast<const T*>(p.x) + n * p.x_stride + h * p.x_head_stride;
      T* y = static_cast<T*>(p.y) + n * p.y_stride + h * p.y_head_stride;
      for (int64_t i = 0; i < p.pairs; ++i, x += step, y += step) {
        const float first = ToFloat(x[0]);
        const float second = ToFloat(x[to_second]);
        StoreOne(y, first * cosines[i] - second * sines[i]);
        StoreOne(y + to_second, first * sines[i] + second * cosines[i]);
      }
    }
  }
}

template <Isa isa>
void Rope(const RopeRows& rows, int64_t begin, int64_t end) {
  if (rows.type == FloatType::kFloat32) return RopeOf<isa, float>(rows, begin, end);
  RopeOf<isa, Bf16>(rows, begin, end);
}

template <Isa isa, typename From, typename To>
void CopyOf(const CopyRows& p, int64_t begin, int64_t end) {
  for (int64_t n = begin; n < end; ++n) {
    const From* from = static_cast<const From*>(p.from) + (p.from_rows == nullptr ? n : p.from_rows[n]) * p.from_stride;
    To* to = static_cast<To*>(p.to) + (p.to_rows == nullptr ? n : p.to_rows[n]) * p.to_stride;
    ForRegisters<isa>(p.width,
                      [&](int64_t i, int count) { StoreSome<isa>(to + i, LoadSome<isa>(from + i, count), count); });
  }
}

template <Isa isa>
void Copy(const CopyRows& rows, int64_t begin, int64_t end) {
  const bool from_float = rows.from_type == FloatType::kFloat32;
  const bool to_float = rows.to_type == FloatType::kFloat32;
  if (from_float && to_float) return CopyOf<isa, float, float>(rows, begin, end);
  if (from_float) return CopyOf<isa, float, Bf16>(rows, begin, end);
  if (to_float) return CopyOf<isa, Bf16, float>(rows, begin, end);
  CopyOf<isa, Bf16, Bf16>(rows, begin, end);
}

template <Isa isa, typename T>
void AddOf(const AddRows& p, int64_t begin, int64_t end) {
  const T* a = static_cast<const T*>(p.a) + begin * p.width;
  const T* b = static_cast<const T*>(p.b) + begin * p.width;
  T* y = static_cast<T*>(p.y) + begin * p.width;
  ForRegisters<isa>((end - begin) * p.width, [&](int64_t i, int count) {
    StoreSome<isa>(y + i, Vec<isa>::Add(LoadSome<isa>(a + i, count), LoadSome<isa>(b + i, count)), count);
  });
}

template <Isa isa>
void Add(const AddRows& rows, int64_t begin, int64_t end) {
  if (rows.type == FloatType::kFloat32) return AddOf<isa, float>(rows, begin, end);
  AddOf<isa, Bf16>(rows, begin, end);
}

template <Isa isa>
bool AllFinite(const float* numbers, int64_t count) {
  using V = Vec<isa>;
  // x - x is zero, or not a number; so is a sum of such.
  typename V::Float sum = V::Zero();
  ForRegisters<isa>(count, [&](int64_t i, int lanes) {
    const typename V::Float x = LoadSome<isa>(numbers + i, lanes);
    sum = V::Add(sum, V::Sub(x, x));
  });
  return VecMath<isa>::Sum(sum) == 0.0f;
}

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_PLAIN_ROWS_KERNEL_H_
