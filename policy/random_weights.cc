#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <cstring>

#include "base/philox.h"
#include "policy/kernels/cpu/parallel.h"
#include "policy/normal_quantile.h"
#include "policy/weights.h"

namespace plumb {
namespace {

constexpr int64_t kDrawsPerCall = 4;
constexpr int64_t kCallsPerTask = 4096;

// Element i depends only on the seed, the buffer's name and i: the same numbers with any thread count.
at::Tensor NormalValues(const NamedBuffer& buffer, double deviation, uint64_t seed) {
  const uint64_t name = RowKey(buffer.name);
  const std::array<uint32_t, 2> key = PhiloxKey({.run_seed = seed, .row_key = name});
  const at::Tensor values = at::empty(buffer.tensor->sizes(), at::kFloat);
  float* data = values.mutable_data_ptr<float>();
  const int64_t count = values.numel();
  const int64_t calls = (count + kDrawsPerCall - 1) / kDrawsPerCall;
  cpu::ParallelRanges(calls, kCallsPerTask, [&](int64_t begin, int64_t end) {
    for (int64_t call = begin; call < end; ++call) {
      const std::array<uint32_t, 4> bits =
          Philox4x32({static_cast<uint32_t>(call), static_cast<uint32_t>(call >> 32), 0, 0}, key);
      for (int64_t draw = 0; draw < kDrawsPerCall && call * kDrawsPerCall + draw < count; ++draw) {
        data[call * kDrawsPerCall + draw] = static_cast<float>(deviation * NormalQuantile(UniformFromBits(bits[draw])));
      }
    }
  });
  return values;
}

bool IsNorm(const std::string& name) { return name.size() >= 4 && name.compare(name.size() - 4, 4, "norm") == 0; }

}  // namespace

PolicyWeights RandomWeights(const ModelConfig& config, at::ScalarType dtype, at::Device device, uint64_t seed) {
  const at::NoGradGuard no_grad;
  PolicyWeights weights = AllocateWeights(config, dtype, device);
  for (const NamedBuffer& buffer : Buffers(weights)) {
    if (IsNorm(buffer.name)) {
      buffer.tensor->fill_(1.0);
    } else if (buffer.tensor->dim() == 1) {
      buffer.tensor->zero_();
    } else {
      buffer.tensor->copy_(NormalValues(buffer, config.initializer_range, seed));
    }
  }
  return weights;
}

}  // namespace plumb
