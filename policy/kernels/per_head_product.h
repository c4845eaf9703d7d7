#ifndef PLUMB_POLICY_KERNELS_PER_HEAD_PRODUCT_H_
#define PLUMB_POLICY_KERNELS_PER_HEAD_PRODUCT_H_

#include <ATen/core/Tensor.h>

namespace plumb {

// One product per head: out[n, h] = input[n, h] * matrices[h]. On the CPU in float32 and bfloat16 it is row-exact: a
// row depends on nothing but itself and the matrices; neither may want a gradient there (MlaHeads() has it).
//
//   input     [N, H, a]
//   matrices  [H, a, b]
//   returns   [N, H, b], which need not be contiguous
at::Tensor PerHeadProduct(const at::Tensor& input, const at::Tensor& matrices);

// The plain ATen form; kernels are compared with it.
at::Tensor PerHeadProductReference(const at::Tensor& input, const at::Tensor& matrices);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_PER_HEAD_PRODUCT_H_
