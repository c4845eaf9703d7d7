#ifndef PLUMB_POLICY_KERNELS_SWIGLU_H_
#define PLUMB_POLICY_KERNELS_SWIGLU_H_

#include <ATen/core/Tensor.h>

namespace plumb {

// silu(gate) * up, computed in float32 and rounded once. Source: arXiv:2002.05202.
//
//   gate_up  [N, 2 * I], the gate's half first
//   returns  [N, I]
at::Tensor Swiglu(const at::Tensor& gate_up);

// The gradient of `gate_up`, on the CPU.
//   gradient  [N, I]
//   gate_up   [N, 2 * I]
//   returns   [N, 2 * I] float32
at::Tensor SwigluGradient(const at::Tensor& gradient, const at::Tensor& gate_up);

// The plain ATen form; kernels are compared with it.
at::Tensor SwigluReference(const at::Tensor& gate_up);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_SWIGLU_H_
