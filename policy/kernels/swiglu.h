#ifndef PLUMB_POLICY_KERNELS_SWIGLU_H_
#define PLUMB_POLICY_KERNELS_SWIGLU_H_

#include <ATen/core/Tensor.h>

namespace plumb {

// silu(gate) * up. Source: arXiv:2002.05202.
//
//   gate_up  [N, 2 * I], the gate's half first
//   returns  [N, I]
at::Tensor Swiglu(const at::Tensor& gate_up);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_SWIGLU_H_
