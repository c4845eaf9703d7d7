#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include "policy/kernels/rms_norm_cuda.h"

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
__global__ void RmsNormKernel(const Element* input, const Element* weight, Element* output, int64_t width,
                              int64_t input_stride, float epsilon) {
  const Element* row = input + blockIdx.x * input_stride;
  Element* out = output + blockIdx.x * width;
  float squares = 0.0f;
  for (int64_t i = threadIdx.x; i < width; i += kThreads) {
    const float value = ToFloat(row[i]);
    squares += value * value;
  }
  const float scale = rsqrtf(BlockSum(squares) / static_cast<float>(width) + epsilon);
  for (int64_t i = threadIdx.x; i < width; i += kThreads) {
    Element normal;
    FromFloat(ToFloat(row[i]) * scale, &normal);
    FromFloat(ToFloat(normal) * ToFloat(weight[i]), &out[i]);
  }
}

template <typename Element>
void Launch(const void* input, const void* weight, void* output, int64_t num_rows, int64_t width, int64_t input_stride,
            float epsilon, cudaStream_t stream) {
  RmsNormKernel<Element><<<static_cast<unsigned>(num_rows), kThreads, 0, stream>>>(
      static_cast<const Element*>(input), static_cast<const Element*>(weight), static_cast<Element*>(output), width,
      input_stride, epsilon);
}

}  // namespace

int LaunchRmsNorm(const void* input, const void* weight, void* output, int64_t num_rows, int64_t width,
                  int64_t input_stride, float epsilon, CudaFloatType type, void* stream) {
  if (num_rows == 0) return cudaSuccess;
  const cudaStream_t cuda_stream = static_cast<cudaStream_t>(stream);
  if (type == CudaFloatType::kFloat32) {
    Launch<float>(input, weight, output, num_rows, width, input_stride, epsilon, cuda_stream);
  } else {
    Launch<__nv_bfloat16>(input, weight, output, num_rows, width, input_stride, epsilon, cuda_stream);
  }
  return cudaGetLastError();
}

}  // namespace plumb
