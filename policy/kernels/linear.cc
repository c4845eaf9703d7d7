#include "policy/kernels/linear.h"

#include <ATen/ATen.h>

#include "policy/kernels/custom_gradient.h"
#include "policy/kernels/matrix_product.h"
#include "policy/kernels/weight_gradient.h"

namespace plumb {
namespace {

bool CpuTakes(const at::Tensor& input, const at::Tensor& weight) {
  return CpuProductTakes(weight) && input.scalar_type() == weight.scalar_type();
}

at::Tensor LinearOnCpu(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                       at::ScalarType output_type) {
  const at::Tensor x = input.detach();
  const at::Tensor w = weight.detach();
  const bool wants_input = NeedsGradient({input});
  const bool wants_bias = NeedsGradient({bias});
  return WithGradient(TimesTransposed(x, w, bias, output_type), {input, weight, bias}, [=](const at::Tensor& gradient) {
    const at::Tensor g = FloatRows(gradient);
    const at::ScalarType type = x.scalar_type();
    return std::vector<at::Tensor>{wants_input ? Times(g, w).to(type) : at::Tensor(), WeightGradient(weight, g, x),
                                   wants_bias ? g.sum(0).to(type) : at::Tensor()};
  });
}

}  // namespace

at::Tensor LinearReference(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias) {
  return at::linear(input, weight, bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt);
}

at::Tensor Linear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias) {
  if (input.dim() != 2 || !CpuTakes(input, weight)) return LinearReference(input, weight, bias);
  return LinearOnCpu(input, weight, bias, input.scalar_type());
}

at::Tensor LinearToFloat(const at::Tensor& input, const at::Tensor& weight) {
  if (!CpuTakes(input, weight)) return LinearReference(input, weight).to(at::kFloat);
  return LinearOnCpu(input, weight, {}, at::kFloat);
}

}  // namespace plumb
