#include "policy/kernels/swiglu.h"

#include <ATen/ATen.h>

namespace plumb {

at::Tensor Swiglu(const at::Tensor& gate_up) {
  const int64_t width = gate_up.size(1) / 2;
  const std::vector<at::Tensor> halves = gate_up.split_with_sizes({width, width}, 1);
  return at::silu(halves[0]) * halves[1];
}

}  // namespace plumb
