#include "policy/kernels/linear.h"

#include <ATen/ATen.h>

namespace plumb {

at::Tensor Linear(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias) {
  return at::linear(input, weight, bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt);
}

}  // namespace plumb
