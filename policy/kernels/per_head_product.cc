#include "policy/kernels/per_head_product.h"

#include <ATen/ATen.h>

#include "policy/kernels/cpu/head_products.h"
#include "policy/kernels/custom_gradient.h"

namespace plumb {
namespace {

bool HasKernel(const at::Tensor& input, const at::Tensor& matrices) {
  const at::ScalarType type = input.scalar_type();
  return input.is_cpu() && (type == at::kFloat || type == at::kBFloat16) && matrices.scalar_type() == type;
}

// [N, H, b], without a gradient.
at::Tensor Multiply(const at::Tensor& some_input, const at::Tensor& some_matrices) {
  const at::Tensor input = some_input.stride(2) == 1 ? some_input : some_input.contiguous();
  const bool dense = some_matrices.stride(1) == 1 || some_matrices.stride(2) == 1;
  const at::Tensor matrices = dense ? some_matrices : some_matrices.contiguous();
  const at::Tensor output =
      at::empty({input.size(0), input.size(1), matrices.size(2)}, input.options().requires_grad(false));
  cpu::HeadProducts products;
  products.type = input.scalar_type() == at::kFloat ? cpu::FloatType::kFloat32 : cpu::FloatType::kBf16;
  products.num_tokens = input.size(0);
  products.num_heads = input.size(1);
  products.inner = input.size(2);
  products.columns = matrices.size(2);
  products.input = input.const_data_ptr();
  products.token_stride = input.stride(0);
  products.head_stride = input.stride(1);
  products.matrices = matrices.const_data_ptr();
  products.matrix_stride = matrices.stride(0);
  products.inner_stride = matrices.stride(1);
  products.column_stride = matrices.stride(2);
  products.output = output.mutable_data_ptr();
  cpu::RunHeadProducts(products);
  return output;
}

// [H, a, b], summed in float32.
at::Tensor MatrixGradient(const at::Tensor& input, const at::Tensor& gradient) {
  const at::Tensor left = input.to(at::kFloat).permute({1, 2, 0});  // [H, a, N]
  return at::bmm(left, gradient.to(at::kFloat).transpose(0, 1)).to(input.scalar_type());
}

}  // namespace

at::Tensor PerHeadProductReference(const at::Tensor& input, const at::Tensor& matrices) {
  return at::bmm(input.transpose(0, 1), matrices).transpose(0, 1);
}

at::Tensor PerHeadProduct(const at::Tensor& input, const at::Tensor& matrices) {
  if (!HasKernel(input, matrices)) return PerHeadProductReference(input, matrices);
  const at::Tensor rows = input.detach();
  const at::Tensor factors = matrices.detach();
  const bool wants_input = NeedsGradient({input});
  const bool wants_matrices = NeedsGradient({matrices});
  return WithGradient(Multiply(rows, factors), {input, matrices}, [=](const at::Tensor& gradient) {
    return std::vector<at::Tensor>{wants_input ? Multiply(gradient, factors.transpose(1, 2)) : at::Tensor(),
                                   wants_matrices ? MatrixGradient(rows, gradient) : at::Tensor()};
  });
}

}  // namespace plumb
