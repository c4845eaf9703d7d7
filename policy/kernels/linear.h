#ifndef PLUMB_POLICY_KERNELS_LINEAR_H_
#define PLUMB_POLICY_KERNELS_LINEAR_H_

#include <ATen/core/Tensor.h>

namespace plumb {

// input * weight^T + bias, in the type of the input. On the CPU a row of the result does not depend on the others.
//
//   input    [..., D]
//   weight   [out, D], of the same type
//   bias     [out], or undefined
//   returns  [..., out]
at::Tensor Linear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias = {});

// input * weight^T, kept in float32: logits.
//
//   input    [N, D]
//   weight   [out, D], of the same type
//   returns  [N, out] float32
at::Tensor LinearToFloat(const at::Tensor& input, const at::Tensor& weight);

// The plain ATen form; kernels are compared with it.
at::Tensor LinearReference(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias = {});

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_LINEAR_H_
