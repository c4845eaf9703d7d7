#ifndef PLUMB_POLICY_KERNELS_CUDA_CUDA_STREAM_H_
#define PLUMB_POLICY_KERNELS_CUDA_CUDA_STREAM_H_

#include <c10/core/Device.h>

namespace plumb {

// LibTorch's current cudaStream_t on `device`. Only in builds with CUDA.
void* CurrentCudaStream(c10::Device device);

// Throws c10::Error naming the kernel where `error`, a cudaError_t, is not success.
void CheckCudaLaunch(const char* kernel, int error);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_CUDA_CUDA_STREAM_H_
