#include "policy/kernels/embedding.h"

#include <ATen/ATen.h>

#include "policy/kernels/custom_gradient.h"
#include "policy/kernels/weight_gradient.h"

namespace plumb {

at::Tensor Embedding(const at::Tensor& table, const at::Tensor& ids) {
  const at::Tensor rows = table.detach().index_select(0, ids);
  return WithGradient(rows, {table}, [table, ids](const at::Tensor& gradient) -> std::vector<at::Tensor> {
    const at::Tensor held = HeldGradient(table);
    if (!held.defined()) {
      return {at::embedding_dense_backward(gradient, ids, table.size(0), /*padding_idx=*/-1,
                                           /*scale_grad_by_freq=*/false)};
    }
    held.index_add_(0, ids, gradient.to(held.scalar_type()));
    return {at::Tensor()};
  });
}

}  // namespace plumb
