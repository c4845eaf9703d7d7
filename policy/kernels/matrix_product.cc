#include "policy/kernels/matrix_product.h"

#include <ATen/ATen.h>

#include "policy/kernels/cpu/column_product.h"
#include "policy/kernels/cpu/dot_product.h"

namespace plumb {
namespace {

using cpu::ColumnProduct;
using cpu::DotProduct;
using cpu::FloatType;

// Elements `offset` on of a tensor, whatever its type.
const void* At(const at::Tensor& tensor, int64_t offset) {
  return static_cast<const char*>(tensor.const_data_ptr()) + offset * static_cast<int64_t>(tensor.element_size());
}
void* MutableAt(const at::Tensor& tensor, int64_t offset) {
  return static_cast<char*>(tensor.mutable_data_ptr()) + offset * static_cast<int64_t>(tensor.element_size());
}

// Matrices as the kernels read them: no gaps inside of a row.
at::Tensor WholeRows(const at::Tensor& matrices) {
  return matrices.stride(-1) == 1 || matrices.size(-1) == 1 ? matrices : matrices.contiguous();
}

cpu::DotTypes DotTypesOf(const at::Tensor& w, at::ScalarType type) {
  return {KernelType(w.scalar_type()), KernelType(type)};
}

// y[e] = g^T * x over the rows of each expert, or y[e] and that.
void RunTransposedTimes(const at::Tensor& g, const at::Tensor& x, const ExpertStarts& starts, const at::Tensor& y,
                        bool accumulate) {
  const at::Tensor left = FloatRows(g);
  const at::Tensor right = FloatRows(x);
  const int64_t num_experts = static_cast<int64_t>(starts.size()) - 1;
  std::vector<ColumnProduct> products;
  for (int64_t expert = 0; expert < num_experts; ++expert) {
    const int64_t start = starts[expert];
    if (accumulate && starts[expert + 1] == start) continue;
    products.push_back({.a = left.const_data_ptr<float>() + start * left.stride(0),
                        .a_row_stride = 1,
                        .a_inner_stride = left.stride(0),
                        .b = right.const_data_ptr<float>() + start * right.stride(0),
                        .b_stride = right.stride(0),
                        .y = y.mutable_data_ptr<float>() + expert * y.stride(0),
                        .y_stride = y.stride(1),
                        .rows = g.size(1),
                        .columns = x.size(1),
                        .inner = starts[expert + 1] - start,
                        .accumulate = accumulate});
  }
  cpu::RunColumnProducts(products.data(), static_cast<int64_t>(products.size()), FloatType::kFloat32);
}

}  // namespace

bool CpuProductTakes(const at::Tensor& weight) {
  const bool known_type = weight.scalar_type() == at::kFloat || weight.scalar_type() == at::kBFloat16;
  return weight.is_cpu() && known_type && (weight.stride(-1) == 1 || weight.size(-1) == 1);
}

FloatType KernelType(at::ScalarType type) { return type == at::kFloat ? FloatType::kFloat32 : FloatType::kBf16; }

at::Tensor FloatRows(const at::Tensor& x) { return WholeRows(x.detach().to(at::kFloat)); }

at::Tensor TimesTransposed(const at::Tensor& x, const at::Tensor& w, const at::Tensor& bias, at::ScalarType type) {
  const at::Tensor rows = FloatRows(x);
  const at::Tensor biases = bias.defined() ? bias.detach().contiguous() : bias;
  const at::Tensor y = at::empty({x.size(0), w.size(0)}, w.options().dtype(type).requires_grad(false));
  const DotProduct product = {.x = rows.const_data_ptr<float>(),
                              .x_stride = rows.stride(0),
                              .w = w.const_data_ptr(),
                              .w_stride = w.stride(0),
                              .bias = biases.defined() ? biases.const_data_ptr() : nullptr,
                              .y = y.mutable_data_ptr(),
                              .y_stride = y.size(1),
                              .rows = x.size(0),
                              .columns = w.size(0),
                              .depth = w.size(1)};
  cpu::RunDotProducts(&product, 1, DotTypesOf(w, type));
  return y;
}

at::Tensor Times(const at::Tensor& x, const at::Tensor& w) { return ExpertsTimes(x, w.unsqueeze(0), {0, x.size(0)}); }

at::Tensor TransposedTimes(const at::Tensor& g, const at::Tensor& x) {
  return ExpertsTransposedTimes(g, x, {0, x.size(0)}).squeeze(0);
}

at::Tensor ExpertsTimesTransposed(const at::Tensor& x, const at::Tensor& w, const ExpertStarts& starts,
                                  at::ScalarType type) {
  const at::Tensor rows = FloatRows(x);
  const at::Tensor matrices = WholeRows(w.detach());
  const at::Tensor y = at::empty({x.size(0), w.size(1)}, matrices.options().dtype(type));
  std::vector<DotProduct> products;
  for (int64_t expert = 0; expert < w.size(0); ++expert) {
    const int64_t start = starts[expert];
    if (starts[expert + 1] == start) continue;
    products.push_back({.x = rows.const_data_ptr<float>() + start * rows.stride(0),
                        .x_stride = rows.stride(0),
                        .w = At(matrices, expert * matrices.stride(0)),
                        .w_stride = matrices.stride(1),
                        .y = MutableAt(y, start * y.size(1)),
                        .y_stride = y.size(1),
                        .rows = starts[expert + 1] - start,
                        .columns = w.size(1),
                        .depth = w.size(2)});
  }
  cpu::RunDotProducts(products.data(), static_cast<int64_t>(products.size()), DotTypesOf(w, type));
  return y;
}

at::Tensor ExpertsTimes(const at::Tensor& x, const at::Tensor& w, const ExpertStarts& starts) {
  const at::Tensor rows = FloatRows(x);
  const at::Tensor matrices = WholeRows(w.detach());
  const at::Tensor y = at::empty({x.size(0), w.size(2)}, rows.options());
  std::vector<ColumnProduct> products;
  for (int64_t expert = 0; expert < w.size(0); ++expert) {
    const int64_t start = starts[expert];
    if (starts[expert + 1] == start) continue;
    products.push_back({.a = rows.const_data_ptr<float>() + start * rows.stride(0),
                        .a_row_stride = rows.stride(0),
                        .a_inner_stride = 1,
                        .b = At(matrices, expert * matrices.stride(0)),
                        .b_stride = matrices.stride(1),
                        .y = y.mutable_data_ptr<float>() + start * y.size(1),
                        .y_stride = y.size(1),
                        .rows = starts[expert + 1] - start,
                        .columns = w.size(2),
                        .inner = w.size(1)});
  }
  cpu::RunColumnProducts(products.data(), static_cast<int64_t>(products.size()), KernelType(w.scalar_type()));
  return y;
}

at::Tensor ExpertsTransposedTimes(const at::Tensor& g, const at::Tensor& x, const ExpertStarts& starts) {
  const int64_t num_experts = static_cast<int64_t>(starts.size()) - 1;
  const at::Tensor y = at::empty({num_experts, g.size(1), x.size(1)}, x.options().dtype(at::kFloat));
  RunTransposedTimes(g, x, starts, y, /*accumulate=*/false);
  return y;
}

void AddTransposedTimes(const at::Tensor& g, const at::Tensor& x, const ExpertStarts& starts, const at::Tensor& sums) {
  RunTransposedTimes(g, x, starts, sums, /*accumulate=*/true);
}

}  // namespace plumb
