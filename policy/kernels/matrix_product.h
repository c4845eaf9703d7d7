#ifndef PLUMB_POLICY_KERNELS_MATRIX_PRODUCT_H_
#define PLUMB_POLICY_KERNELS_MATRIX_PRODUCT_H_

#include <ATen/core/Tensor.h>

#include <vector>

#include "policy/kernels/cpu/float_type.h"

namespace plumb {

// Whether the CPU kernels take a product with these weights: on the CPU, float32 or bfloat16, rows without gaps.
//   weight  [..., out, D]
bool CpuProductTakes(const at::Tensor& weight);

// float32 or bfloat16, in the words of the CPU kernels.
cpu::FloatType KernelType(at::ScalarType type);

// The rows of `x` as the CPU kernels read them: float32, without gaps inside of a row. A copy only where it must be.
//   x        [N, D]
//   returns  [N, D] float32
at::Tensor FloatRows(const at::Tensor& x);

// x * w^T + bias by the CPU kernels, without gradients. A row does not depend on the others.
//   x        [N, D]
//   w        [out, D]
//   bias     [out] of the weights' type, or undefined
//   type     of the result: float32 or the weights'
//   returns  [N, out]
at::Tensor TimesTransposed(const at::Tensor& x, const at::Tensor& w, const at::Tensor& bias, at::ScalarType type);

// x * w by the CPU kernels, without gradients. A row does not depend on the others.
//   x        [N, out]
//   w        [out, D]
//   returns  [N, D] float32
at::Tensor Times(const at::Tensor& x, const at::Tensor& w);

// g^T * x: the gradient of weights, summed over the rows in their order.
//   g        [N, out]
//   x        [N, D]
//   returns  [out, D] float32
at::Tensor TransposedTimes(const at::Tensor& g, const at::Tensor& x);

// Rows starts[e] ... starts[e + 1] - 1 belong to expert e.
using ExpertStarts = std::vector<int64_t>;  // [E + 1]

// Each row times its expert's weights, transposed.
//   x        [L, D]
//   w        [E, out, D]
//   returns  [L, out] in `type`, float32 or that of w
at::Tensor ExpertsTimesTransposed(const at::Tensor& x, const at::Tensor& w, const ExpertStarts& starts,
                                  at::ScalarType type);

// Each row times its expert's weights.
//   x        [L, out]
//   w        [E, out, D]
//   returns  [L, D] float32
at::Tensor ExpertsTimes(const at::Tensor& x, const at::Tensor& w, const ExpertStarts& starts);

// The gradient of the experts' weights, each summed over its rows in their order; zero where it has none.
//   g        [L, out]
//   x        [L, D]
//   returns  [E, out, D] float32
at::Tensor ExpertsTransposedTimes(const at::Tensor& g, const at::Tensor& x, const ExpertStarts& starts);

// The same, added to what is there; each sum goes on in the order of the rows.
//   sums  [E, out, D] float32, rows without gaps
void AddTransposedTimes(const at::Tensor& g, const at::Tensor& x, const ExpertStarts& starts, const at::Tensor& sums);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_MATRIX_PRODUCT_H_
