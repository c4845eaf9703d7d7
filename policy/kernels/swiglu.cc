#include "policy/kernels/swiglu.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "policy/kernels/cpu/parallel.h"
#include "policy/kernels/cpu/row_functions.h"
#include "policy/kernels/custom_gradient.h"
#include "policy/kernels/matrix_product.h"

namespace plumb {
namespace {

constexpr int64_t kElementsPerTask = 1 << 13;

int64_t RowsPerTask(int64_t width) { return std::max<int64_t>(1, kElementsPerTask / std::max<int64_t>(1, width)); }

at::Tensor SwigluOnCpu(const at::Tensor& gate_up) {
  const at::Tensor x = gate_up.detach().contiguous();
  const int64_t width = x.size(1) / 2;
  const at::Tensor output = at::empty({x.size(0), width}, x.options());
  const cpu::FloatType type = KernelType(x.scalar_type());
  const cpu::SwigluRows rows = {.gate = x.const_data_ptr(),
                                .up = static_cast<const char*>(x.const_data_ptr()) + width * cpu::BytesOf(type),
                                .x_stride = x.size(1),
                                .y = output.mutable_data_ptr(),
                                .y_stride = width,
                                .width = width,
                                .type = type};
  cpu::ParallelRanges(x.size(0), RowsPerTask(width),
                      [&](int64_t begin, int64_t end) { cpu::ActiveRowFunctions().swiglu(rows, begin, end); });
  return WithGradient(output, {gate_up}, [x](const at::Tensor& gradient) {
    return std::vector<at::Tensor>{SwigluGradient(gradient, x).to(x.scalar_type())};
  });
}

}  // namespace

at::Tensor SwigluGradient(const at::Tensor& gradient, const at::Tensor& gate_up) {
  const at::Tensor g = gradient.to(at::kFloat).contiguous();
  const at::Tensor x = gate_up.to(at::kFloat).contiguous();
  const at::Tensor dx = at::empty(x.sizes(), x.options());
  const cpu::SwigluGradientRows rows = {g.const_data_ptr<float>(), x.const_data_ptr<float>(),
                                        dx.mutable_data_ptr<float>(), g.size(1)};
  cpu::ParallelRanges(x.size(0), RowsPerTask(g.size(1)),
                      [&](int64_t begin, int64_t end) { cpu::ActiveRowFunctions().swiglu_gradient(rows, begin, end); });
  return dx;
}

at::Tensor SwigluReference(const at::Tensor& gate_up) {
  const int64_t width = gate_up.size(1) / 2;
  const std::vector<at::Tensor> halves = gate_up.split_with_sizes({width, width}, 1);
  return at::silu(halves[0]) * halves[1];
}

at::Tensor Swiglu(const at::Tensor& gate_up) {
  const bool known_type = gate_up.scalar_type() == at::kFloat || gate_up.scalar_type() == at::kBFloat16;
  return gate_up.is_cpu() && known_type ? SwigluOnCpu(gate_up) : SwigluReference(gate_up);
}

}  // namespace plumb
