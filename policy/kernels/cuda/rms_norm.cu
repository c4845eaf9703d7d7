#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include "policy/kernels/cuda/rms_norm_cuda.h"

namespace plumb {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;

__device__ float ToFloat(float value) { return value; }
__device__ float ToFloat(__nv_bfloat16 value) { return __bfloat162float(value); }
__device__ void FromFloat(float value, float* out) { *out = value; }
__device__ void FromFloat(float value, __nv_bfloat16* out) { *out = __float2bfloat16(value); }

// The sum over the block, in a fixed order, given to every thread.
__device__ float BlockSum(float value) {
  __shared__ float partial[kWarps];
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_xor_sync(0xffffffffu, value, offset);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = value;
  __syncthreads();
  float sum = 0.0f;
  for (int warp = 0; warp < kWarps; ++warp) sum += partial[warp];
  return sum;
}

// One block per row.
template <typename Element>
__global__ void RmsNormKernel(const Element* input, const Element* weight, Element* output, RmsNormSizes sizes) {
  const Element* row = input + blockIdx.x * sizes.input_stride;
  Element* out = output + blockIdx.x * sizes.width;
  float squares = 0.0f;
  for (int64_t i = threadIdx.x; i < sizes.width; i += kThreads) {
    const float value = ToFloat(row[i]);
    squares += value * value;
  }
  const float scale = rsqrtf(BlockSum(squares) / static_cast<float>(sizes.width) + sizes.epsilon);
  for (int64_t i = threadIdx.x; i < sizes.width; i += kThreads) {
    Element normal;
    FromFloat(ToFloat(row[i]) * scale, &normal);
    FromFloat(ToFloat(normal) * ToFloat(weight[i]), &out[i]);
  }
}

template <typename Element>
void Launch(const void* input, const void* weight, void* output, const RmsNormSizes& sizes, cudaStream_t stream) {
  RmsNormKernel<Element><<<static_cast<unsigned>(sizes.num_rows), kThreads, 0, stream>>>(
      static_cast<const Element*>(input), static_cast<const Element*>(weight), static_cast<Element*>(output), sizes);
}

}  // namespace

int LaunchRmsNorm(const void* input, const void* weight, void* output, const RmsNormSizes& sizes, void* stream) {
  if (sizes.num_rows == 0) return cudaSuccess;
  const cudaStream_t cuda_stream = static_cast<cudaStream_t>(stream);
  if (sizes.type == CudaFloatType::kFloat32) {
    Launch<float>(input, weight, output, sizes, cuda_stream);
  } else {
    Launch<__nv_bfloat16>(input, weight, output, sizes, cuda_stream);
  }
  return cudaGetLastError();
}

}  // namespace plumb
