#include "policy/kernels/rms_norm.h"

#include <ATen/ATen.h>
#include <c10/core/DeviceGuard.h>

#include <algorithm>

#include "policy/kernels/cpu/parallel.h"
#include "policy/kernels/cpu/row_functions.h"
#include "policy/kernels/custom_gradient.h"
#include "policy/kernels/matrix_product.h"
#if defined(PLUMB_WITH_CUDA)
#include "policy/kernels/cuda/cuda_stream.h"
#include "policy/kernels/cuda/rms_norm_cuda.h"
#endif

namespace plumb {
namespace {

constexpr int64_t kElementsPerTask = 1 << 14;

int64_t RowsPerTask(int64_t width) { return std::max<int64_t>(1, kElementsPerTask / width); }

// Gradients of the input and of the weight, float32.
std::vector<at::Tensor> GradientsOnCpu(const at::Tensor& gradient, const at::Tensor& input, const at::Tensor& weight,
                                       const at::Tensor& scales) {
  const at::Tensor g = gradient.to(at::kFloat).contiguous();
  const at::Tensor x = FloatRows(input);
  const at::Tensor w = weight.to(at::kFloat).contiguous();
  const at::Tensor dx = at::empty(x.sizes(), x.options());
  const at::Tensor normal = at::empty(x.sizes(), x.options());
  const cpu::RmsNormGradientRows rows = {.gradient = g.const_data_ptr<float>(),
                                         .x = x.const_data_ptr<float>(),
                                         .x_stride = x.stride(0),
                                         .weight = w.const_data_ptr<float>(),
                                         .scales = scales.const_data_ptr<float>(),
                                         .dx = dx.mutable_data_ptr<float>(),
                                         .normal = normal.mutable_data_ptr<float>(),
                                         .width = x.size(1)};
  cpu::ParallelRanges(x.size(0), RowsPerTask(x.size(1)), [&](int64_t begin, int64_t end) {
    cpu::ActiveRowFunctions().rms_norm_gradient(rows, begin, end);
  });
  return {dx.to(input.scalar_type()), normal.sum(0).to(input.scalar_type())};
}

at::Tensor RmsNormOnCpu(const at::Tensor& input, const at::Tensor& weight, double epsilon) {
  at::Tensor x = input.detach();
  if (x.stride(1) != 1) x = x.contiguous();
  const at::Tensor w = weight.detach().contiguous();
  const at::Tensor output = at::empty(x.sizes(), x.options());
  const at::Tensor scales = at::empty({x.size(0)}, x.options().dtype(at::kFloat));
  const cpu::RmsNormRows rows = {.x = x.const_data_ptr(),
                                 .x_stride = x.stride(0),
                                 .weight = w.const_data_ptr(),
                                 .y = output.mutable_data_ptr(),
                                 .y_stride = output.size(1),
                                 .scales = scales.mutable_data_ptr<float>(),
                                 .width = x.size(1),
                                 .epsilon = static_cast<float>(epsilon),
                                 .type = KernelType(x.scalar_type())};
  cpu::ParallelRanges(x.size(0), RowsPerTask(x.size(1)),
                      [&](int64_t begin, int64_t end) { cpu::ActiveRowFunctions().rms_norm(rows, begin, end); });
  return WithGradient(output, {input, weight},
                      [=](const at::Tensor& gradient) { return GradientsOnCpu(gradient, x, w, scales); });
}

bool CpuKernelTakes(const at::Tensor& input, const at::Tensor& weight) {
  return input.is_cpu() && (input.scalar_type() == at::kFloat || input.scalar_type() == at::kBFloat16) &&
         weight.scalar_type() == input.scalar_type();
}

#if defined(PLUMB_WITH_CUDA)
bool CudaKernelTakes(const at::Tensor& input, const at::Tensor& weight) {
  const bool known_type = input.scalar_type() == at::kFloat || input.scalar_type() == at::kBFloat16;
  return input.is_cuda() && known_type && weight.is_contiguous() && weight.scalar_type() == input.scalar_type() &&
         input.stride(1) == 1 && !NeedsGradient({input, weight});
}

at::Tensor RmsNormOnCuda(const at::Tensor& input, const at::Tensor& weight, double epsilon) {
  const c10::DeviceGuard device(input.device());
  const at::Tensor output = at::empty(input.sizes(), input.options());
  const CudaFloatType type = input.scalar_type() == at::kFloat ? CudaFloatType::kFloat32 : CudaFloatType::kBFloat16;
  const RmsNormSizes sizes = {input.size(0), input.size(1), input.stride(0), static_cast<float>(epsilon), type};
  CheckCudaLaunch("RmsNorm", LaunchRmsNorm(input.const_data_ptr(), weight.const_data_ptr(), output.mutable_data_ptr(),
                                           sizes, CurrentCudaStream(input.device())));
  return output;
}
#endif

}  // namespace

at::Tensor RmsNormReference(const at::Tensor& input, const at::Tensor& weight, double epsilon) {
  const at::Tensor x = input.to(at::kFloat);
  const at::Tensor scale = at::rsqrt(x.square().mean(-1, /*keepdim=*/true) + epsilon);
  return weight * (x * scale).to(input.scalar_type());
}

at::Tensor RmsNorm(const at::Tensor& input, const at::Tensor& weight, double epsilon) {
  if (CpuKernelTakes(input, weight)) return RmsNormOnCpu(input, weight, epsilon);
#if defined(PLUMB_WITH_CUDA)
  if (CudaKernelTakes(input, weight)) return RmsNormOnCuda(input, weight, epsilon);
#endif
  return RmsNormReference(input, weight, epsilon);
}

}  // namespace plumb
