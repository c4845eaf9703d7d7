#include "policy/kernels/cuda/cuda_stream.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace plumb {
namespace {

TEST(CudaStreamTest, AFailedLaunchNamesTheKernel) {
  EXPECT_NO_THROW(CheckCudaLaunch("RmsNorm", 0));
  EXPECT_THROW(CheckCudaLaunch("RmsNorm", 98), c10::Error);
}

TEST(CudaStreamCudaTest, FollowsTheCurrentDevice) {
  if (!at::hasCUDA()) GTEST_SKIP() << "no CUDA device";
  EXPECT_NO_THROW(CurrentCudaStream(at::Device(at::kCUDA, 0)));
}

}  // namespace
}  // namespace plumb
