#include "policy/kernels/rms_norm.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/DeviceGuard.h>

#include <cmath>

#include "policy/kernels/custom_gradient.h"
#if defined(PLUMB_WITH_CUDA)
#include "policy/kernels/cuda_stream.h"
#include "policy/kernels/rms_norm_cuda.h"
#endif

namespace plumb {
namespace {

constexpr int64_t kElementsPerTask = 1 << 14;
constexpr int64_t kLanes = 8;

int64_t RowsPerTask(int64_t width) { return std::max<int64_t>(1, kElementsPerTask / width); }

// sum(a * b) in kLanes partial sums, added in order: one fixed order for every caller.
float DotProduct(const float* a, const float* b, int64_t width) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  }
  for (; i < width; ++i) lanes[i % kLanes] += a[i] * b[i];
  float sum = 0.0f;
  for (const float lane : lanes) sum += lane;
  return sum;
}

// Returns the output and 1 / sqrt(mean square + epsilon) of each row.
std::pair<at::Tensor, at::Tensor> ForwardOnCpu(const at::Tensor& input, const at::Tensor& weight, double epsilon) {
  const int64_t width = input.size(1);
  const int64_t stride = input.stride(0);
  const at::Tensor output = at::empty({input.size(0), width}, input.options());
  const at::Tensor scales = at::empty({input.size(0)}, input.options());
  const float* x = input.const_data_ptr<float>();
  const float* w = weight.const_data_ptr<float>();
  float* y = output.mutable_data_ptr<float>();
  float* scale = scales.mutable_data_ptr<float>();
  at::parallel_for(0, input.size(0), RowsPerTask(width), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* from = x + row * stride;
      float* to = y + row * width;
      const float mean = DotProduct(from, from, width) / static_cast<float>(width);
      const float factor = 1.0f / std::sqrt(mean + static_cast<float>(epsilon));
      for (int64_t i = 0; i < width; ++i) to[i] = from[i] * factor * w[i];
      scale[row] = factor;
    }
  });
  return {output, scales};
}

// d input = s * (g w - n * mean(g w n)) with n = s * input, row by row; `normal_gradient` receives g * n, whose sum
// over rows is the gradient of the weight.
at::Tensor InputGradientOnCpu(const at::Tensor& gradient, const at::Tensor& input, const at::Tensor& weight,
                              const at::Tensor& scales, const at::Tensor& normal_gradient) {
  const int64_t width = input.size(1);
  const int64_t stride = input.stride(0);
  const at::Tensor output = at::empty({input.size(0), width}, input.options());
  const float* g = gradient.const_data_ptr<float>();
  const float* x = input.const_data_ptr<float>();
  const float* w = weight.const_data_ptr<float>();
  const float* scale = scales.const_data_ptr<float>();
  float* product = normal_gradient.mutable_data_ptr<float>();
  float* dx = output.mutable_data_ptr<float>();
  at::parallel_for(0, input.size(0), RowsPerTask(width), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const float* row_g = g + row * width;
      const float* row_x = x + row * stride;
      float* row_product = product + row * width;
      float* row_dx = dx + row * width;
      const float s = scale[row];
      for (int64_t i = 0; i < width; ++i) row_product[i] = row_g[i] * row_x[i] * s;
      const float mean = DotProduct(row_product, w, width) / static_cast<float>(width);
      for (int64_t i = 0; i < width; ++i) row_dx[i] = s * (row_g[i] * w[i] - row_x[i] * s * mean);
    }
  });
  return output;
}

at::Tensor RmsNormOnCpu(const at::Tensor& input, const at::Tensor& weight, double epsilon) {
  at::Tensor x = input.detach();
  if (x.stride(1) != 1) x = x.contiguous();
  const at::Tensor w = weight.detach().contiguous();
  auto [output, scales] = ForwardOnCpu(x, w, epsilon);
  return WithGradient(output, {input, weight}, [x, w, scales = scales](const at::Tensor& gradient) {
    const at::Tensor normal_gradient = at::empty(x.sizes(), x.options());
    const at::Tensor dx = InputGradientOnCpu(gradient.contiguous(), x, w, scales, normal_gradient);
    return std::vector<at::Tensor>{dx, normal_gradient.sum(0)};
  });
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
  if (input.is_cpu() && input.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat) {
    return RmsNormOnCpu(input, weight, epsilon);
  }
#if defined(PLUMB_WITH_CUDA)
  if (CudaKernelTakes(input, weight)) return RmsNormOnCuda(input, weight, epsilon);
#endif
  return RmsNormReference(input, weight, epsilon);
}

}  // namespace plumb
