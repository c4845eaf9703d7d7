#ifndef PLUMB_POLICY_KERNELS_GATHER_ROWS_H_
#define PLUMB_POLICY_KERNELS_GATHER_ROWS_H_

#include <ATen/core/Tensor.h>

namespace plumb {

// Picks rows; -1 gives a row of zeros. No gradient flows.
//
//   source   [M, D]
//   rows     [L] int64, -1 ... M - 1
//   returns  [L, D]
at::Tensor GatherRows(const at::Tensor& source, const at::Tensor& rows);

// The same with gradients, for rows that are taken a known number of times each.
//
//   inverse  [M, K] int64: the places in `rows` where row m is taken; -1 fills up
// The gradient of row m is the sum over its K places, in their order.
at::Tensor GatherRows(const at::Tensor& source, const at::Tensor& rows, const at::Tensor& inverse);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_GATHER_ROWS_H_
