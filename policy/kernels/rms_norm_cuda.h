#ifndef PLUMB_POLICY_KERNELS_RMS_NORM_CUDA_H_
#define PLUMB_POLICY_KERNELS_RMS_NORM_CUDA_H_

#include <cstdint>

namespace plumb {

enum class CudaFloatType { kFloat32, kBFloat16 };

// RmsNorm on the device; pointers are device memory, `stream` is a cudaStream_t. Rows of `input` are `input_stride`
// elements apart, those of `output` lie close.
// Returns the cudaError_t of the launch, 0 where it went well.
int LaunchRmsNorm(const void* input, const void* weight, void* output, int64_t num_rows, int64_t width,
                  int64_t input_stride, float epsilon, CudaFloatType type, void* stream);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_RMS_NORM_CUDA_H_
