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

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_LINEAR_H_
