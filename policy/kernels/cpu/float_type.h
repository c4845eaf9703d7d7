#ifndef PLUMB_POLICY_KERNELS_CPU_FLOAT_TYPE_H_
#define PLUMB_POLICY_KERNELS_CPU_FLOAT_TYPE_H_

#include <cstdint>

namespace plumb::cpu {

// How weights and activations are stored. Kernels compute in float32 whatever it is.
enum class FloatType { kFloat32, kBf16 };

// Static: vec.h says why sources of one class share no inline function with the program.
static constexpr int64_t BytesOf(FloatType type) { return type == FloatType::kFloat32 ? 4 : 2; }

// The bits of a bfloat16.
struct Bf16 {
  uint16_t bits;
};

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_FLOAT_TYPE_H_
