#include "policy/kernels/per_head_product.h"

#include <ATen/ATen.h>

#include "base/check.h"
#include "policy/kernels/cpu/column_product.h"
#include "policy/kernels/cpu/dot_product.h"
#include "policy/kernels/custom_gradient.h"

namespace plumb {
namespace {

using cpu::ColumnProduct;
using cpu::DotProduct;
using cpu::FloatType;

bool HasKernel(const at::Tensor& input, const at::Tensor& matrices) {
  const at::ScalarType type = input.scalar_type();
  return input.is_cpu() && (type == at::kFloat || type == at::kBFloat16) && matrices.scalar_type() == type;
}

FloatType TypeOf(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kFloat ? FloatType::kFloat32 : FloatType::kBf16;
}

const void* HeadOf(const at::Tensor& matrices, int64_t head) {
  return static_cast<const char*>(matrices.const_data_ptr()) + head * matrices.stride(0) * matrices.element_size();
}

// [N, H, a] float32 with dense rows.
at::Tensor FloatInput(const at::Tensor& input) {
  const at::Tensor rows = input.to(at::kFloat);
  return rows.stride(2) == 1 ? rows : rows.contiguous();
}

// matrices [H, a, b] whose columns are dense: rows of weights, one per result.
at::Tensor MultiplyAlongColumns(const at::Tensor& rows, const at::Tensor& matrices) {
  const at::Tensor output = at::empty({rows.size(0), rows.size(1), matrices.size(2)}, matrices.options());
  std::vector<DotProduct> products(rows.size(1));
  for (int64_t head = 0; head < rows.size(1); ++head) {
    DotProduct& product = products[head];
    product.x = rows.const_data_ptr<float>() + head * rows.stride(1);
    product.x_stride = rows.stride(0);
    product.w = HeadOf(matrices, head);
    product.w_stride = matrices.stride(2);
    product.y = static_cast<char*>(output.mutable_data_ptr()) + head * output.stride(1) * output.element_size();
    product.y_stride = output.stride(0);
    product.rows = rows.size(0);
    product.columns = matrices.size(2);
    product.depth = matrices.size(1);
  }
  cpu::RunDotProducts(products.data(), rows.size(1), {TypeOf(matrices), TypeOf(matrices)});
  return output;
}

// matrices [H, a, b] whose rows are dense.
at::Tensor MultiplyAlongRows(const at::Tensor& rows, const at::Tensor& matrices) {
  const at::Tensor output = at::empty({rows.size(0), rows.size(1), matrices.size(2)}, rows.options());
  std::vector<ColumnProduct> products(rows.size(1));
  for (int64_t head = 0; head < rows.size(1); ++head) {
    ColumnProduct& product = products[head];
    product.a = rows.const_data_ptr<float>() + head * rows.stride(1);
    product.a_row_stride = rows.stride(0);
    product.a_inner_stride = 1;
    product.b = HeadOf(matrices, head);
    product.b_stride = matrices.stride(1);
    product.y = output.mutable_data_ptr<float>() + head * output.stride(1);
    product.y_stride = output.stride(0);
    product.rows = rows.size(0);
    product.columns = matrices.size(2);
    product.inner = matrices.size(1);
  }
  cpu::RunColumnProducts(products.data(), rows.size(1), TypeOf(matrices));
  return output.to(matrices.scalar_type());
}

}  // namespace

at::Tensor PerHeadProductReference(const at::Tensor& input, const at::Tensor& matrices) {
  return at::bmm(input.transpose(0, 1), matrices).transpose(0, 1);
}

at::Tensor PerHeadProduct(const at::Tensor& input, const at::Tensor& matrices) {
  if (!HasKernel(input, matrices)) return PerHeadProductReference(input, matrices);
  PLUMB_CHECK(!NeedsGradient({input, matrices})) << "a product per head has no gradient on the CPU";
  if (matrices.stride(1) == 1) return MultiplyAlongColumns(FloatInput(input), matrices);
  return MultiplyAlongRows(FloatInput(input), matrices.stride(2) == 1 ? matrices : matrices.contiguous());
}

}  // namespace plumb
