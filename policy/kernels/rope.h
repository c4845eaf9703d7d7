#ifndef PLUMB_POLICY_KERNELS_ROPE_H_
#define PLUMB_POLICY_KERNELS_ROPE_H_

#include <ATen/core/Tensor.h>

#include "absl/types/span.h"
#include "policy/model_config.h"

namespace plumb {

// The rotation of each position, made once per forward and used by every layer.
struct RopeTable {
  at::Tensor cosines;  // [N, Dr / 2] float32
  at::Tensor sines;    // [N, Dr / 2] float32
  bool interleaved = true;
};

// Where the rotations of tokens go.
struct RopeAngles {
  const int64_t* positions = nullptr;   // [N]
  absl::Span<const float> frequencies;  // [Dr / 2]
  double multiplier = 1;                // of cosines and sines
  float* cosines = nullptr;             // [N, Dr / 2]
  float* sines = nullptr;               // [N, Dr / 2]
};

// Those of tokens begin ... end - 1, in the caller's thread.
void FillRopeTable(const RopeAngles& angles, int64_t begin, int64_t end);

// Angles are position times inverse frequency in float32; YaRN where the model has it.
//   positions  [N] int64
RopeTable MakeRopeTable(const RopeConfig& rope, int64_t rope_head_dim, const at::Tensor& positions);

// Rotates the pairs of each head in float32 and casts back. Pairs are elements (2i, 2i + 1) where the table is
// interleaved, else (i, i + Dr / 2); the layout is kept.
// Source: arXiv:2104.09864.
//
//   input    [N, H, Dr]
//   returns  [N, H, Dr]
at::Tensor ApplyRope(const at::Tensor& input, const RopeTable& table);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_ROPE_H_
