#ifndef PLUMB_POLICY_KERNELS_WEIGHT_GRADIENT_H_
#define PLUMB_POLICY_KERNELS_WEIGHT_GRADIENT_H_

#include <ATen/core/Tensor.h>

#include "policy/kernels/matrix_product.h"

namespace plumb {

// The gradients of weights, as a gradient function returns them: undefined for a frozen weight, and where they were
// added to those that the parameter has from the passes before. A step of several micro batches so writes each gradient
// once and not three times. Whoever wants gradients as results (torch::autograd::grad) has to clear the held ones
// first.

// What a parameter has, where a product can be added to it: the gradient of a leaf, float32 and dense; else undefined.
//   parameter  any shape
//   returns    the same
at::Tensor HeldGradient(const at::Tensor& parameter);

// Of y = x * w^T.
//   w        [out, D], as it came to the op
//   g        [N, out], gradient of y
//   x        [N, D]
//   returns  [out, D], or undefined
at::Tensor WeightGradient(const at::Tensor& w, const at::Tensor& g, const at::Tensor& x);

// The same for each expert's rows.
//   w        [E, out, D], as it came to the op
//   g        [L, out]
//   x        [L, D]
//   returns  [E, out, D], or undefined
at::Tensor ExpertWeightGradient(const at::Tensor& w, const at::Tensor& g, const at::Tensor& x,
                                const ExpertStarts& starts);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_WEIGHT_GRADIENT_H_
