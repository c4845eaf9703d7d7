#ifndef PLUMB_POLICY_KERNELS_CUDA_RMS_NORM_CUDA_H_
#define PLUMB_POLICY_KERNELS_CUDA_RMS_NORM_CUDA_H_

#include <cstdint>

namespace plumb {

enum class CudaFloatType { kFloat32, kBFloat16 };

struct RmsNormSizes {
  int64_t num_rows;      // N
  int64_t width;         // D
  int64_t input_stride;  // elements from one row of the input to the next; the output's rows lie close
  float epsilon;
  CudaFloatType type;
};

// RmsNorm on the device; pointers are device memory, `stream` is a cudaStream_t.
// Returns the cudaError_t of the launch, 0 where it went well.
int LaunchRmsNorm(const void* input, const void* weight, void* output, const RmsNormSizes& sizes, void* stream);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_CUDA_RMS_NORM_CUDA_H_
