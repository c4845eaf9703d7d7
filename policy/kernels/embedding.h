#ifndef PLUMB_POLICY_KERNELS_EMBEDDING_H_
#define PLUMB_POLICY_KERNELS_EMBEDDING_H_

#include <ATen/core/Tensor.h>

namespace plumb {

// Rows of a table. The gradients of the rows are added, for each id in their order, to those that the table has from
// the passes before: no second table is written for them.
//
//   table    [V, D]
//   ids      [N] int64
//   returns  [N, D]
at::Tensor Embedding(const at::Tensor& table, const at::Tensor& ids);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_EMBEDDING_H_
