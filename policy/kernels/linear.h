#ifndef PLUMB_POLICY_KERNELS_LINEAR_H_
#define PLUMB_POLICY_KERNELS_LINEAR_H_

#include <ATen/core/Tensor.h>

namespace plumb {

// input * weight^T + bias, in the type of the input.
//
//   input    [..., D]
//   weight   [out, D], of the same type
//   bias     [out], or undefined
//   returns  [..., out]
at::Tensor Linear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias = {});

// One product per head: out[n, h] = input[n, h] * matrices[h].
//
//   input     [N, H, a]
//   matrices  [H, a, b]
//   returns   [N, H, b], a view that need not be contiguous
at::Tensor PerHeadProduct(const at::Tensor& input, const at::Tensor& matrices);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_LINEAR_H_
