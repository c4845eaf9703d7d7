#include "policy/kernels/cuda/cuda_stream.h"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>

namespace plumb {

void* CurrentCudaStream(c10::Device device) {
  const c10::impl::VirtualGuardImpl guard(device.type());
  return reinterpret_cast<void*>(guard.getStream(device).native_handle());
}

void CheckCudaLaunch(const char* kernel, int error) {
  TORCH_CHECK(error == 0, "CUDA kernel ", kernel, ": launch failed with error ", error);
}

}  // namespace plumb
