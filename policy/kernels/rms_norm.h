#ifndef PLUMB_POLICY_KERNELS_RMS_NORM_H_
#define PLUMB_POLICY_KERNELS_RMS_NORM_H_

#include <ATen/core/Tensor.h>

namespace plumb {

// weight * cast(x / sqrt(mean(x^2) + epsilon)): each row in float32, cast to x's type before the weight.
// Source: arXiv:1910.07467.
//
//   input    [N, D]
//   weight   [D], of the same type
//   returns  [N, D]
at::Tensor RmsNorm(const at::Tensor& input, const at::Tensor& weight, double epsilon);

// The plain ATen form; kernels are compared with it.
at::Tensor RmsNormReference(const at::Tensor& input, const at::Tensor& weight, double epsilon);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_RMS_NORM_H_
