#ifndef PLUMB_CHECKPOINT_NUMBER_FORMATS_H_
#define PLUMB_CHECKPOINT_NUMBER_FORMATS_H_

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "checkpoint/safetensors.h"

// Conversion of stored numbers to float32 and back, without torch.
// Source: OCP 8-bit floating point specification 1.0 (E4M3, E8M0); IEEE 754 (F16).
namespace plumb {

// F32, BF16, F16, F8_E4M3 and F8_E8M0.
bool IsFloatType(TensorType type);

// Decodes every number exactly. `bytes` need not be aligned; `out` has room for bytes.size() / size of the type.
void ToFloats(TensorType type, absl::Span<const std::byte> bytes, float* out);

// Rounds to nearest, ties to even. What is too large becomes infinite in BF16 and F16, and +-448 in F8_E4M3, which has
// no infinity. F8_E8M0 takes powers of two only. `out` has room for values.size() numbers and need not be aligned.
void FromFloats(TensorType type, absl::Span<const float> values, std::byte* out);

}  // namespace plumb

#endif  // PLUMB_CHECKPOINT_NUMBER_FORMATS_H_
