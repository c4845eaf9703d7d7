#include "policy/weight_digest.h"

#include <ATen/ATen.h>

#include <atomic>
#include <cstring>

#include "base/check.h"
#include "base/philox.h"
#include "policy/kernels/cpu/parallel.h"
#include "policy/weights.h"

namespace plumb {
namespace {

constexpr int64_t kElementsPerTask = int64_t{1} << 16;

// A bijection of 64 bits for each name and index, so that a change of one element always changes the sum.
inline uint64_t Mix(uint64_t name, uint64_t index, uint64_t bits) {
  uint64_t value = (bits + (index + name) * 0x9e3779b97f4a7c15ull) ^ name;
  value = (value ^ (value >> 32)) * 0xd6e8feb86659fd93ull;
  value = (value ^ (value >> 32)) * 0xbf58476d1ce4e5b9ull;
  return value ^ (value >> 31);
}

template <typename Bits>
uint64_t SumOfMixes(uint64_t name, int64_t first_element, const std::byte* bytes, int64_t count) {
  uint64_t sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, bytes + i * sizeof(Bits), sizeof(Bits));
    sum += Mix(name, static_cast<uint64_t>(first_element + i), bits);
  }
  return sum;
}

}  // namespace

uint64_t DigestSlice(absl::string_view name, int64_t first_element, absl::Span<const std::byte> bytes,
                     int64_t element_bytes) {
  PLUMB_CHECK(element_bytes == 2 || element_bytes == 4) << "element_bytes is " << element_bytes;
  PLUMB_CHECK(bytes.size() % element_bytes == 0) << bytes.size() << " bytes of elements of " << element_bytes;
  const uint64_t name_hash = RowKey(name);
  const int64_t count = static_cast<int64_t>(bytes.size()) / element_bytes;
  return element_bytes == 4 ? SumOfMixes<uint32_t>(name_hash, first_element, bytes.data(), count)
                            : SumOfMixes<uint16_t>(name_hash, first_element, bytes.data(), count);
}

uint64_t WeightDigest(const PolicyWeights& weights) {
  std::atomic<uint64_t> digest{0};
  for (const PublishedTensor& tensor : PublishedTensors(weights)) {
    const at::Tensor value = tensor.view.to(at::kCPU).contiguous();
    const std::byte* bytes = static_cast<const std::byte*>(value.const_data_ptr());
    const int64_t element_bytes = static_cast<int64_t>(value.element_size());
    cpu::ParallelRanges(value.numel(), kElementsPerTask, [&](int64_t begin, int64_t end) {
      const absl::Span<const std::byte> slice(bytes + begin * element_bytes, (end - begin) * element_bytes);
      digest += DigestSlice(tensor.name, begin, slice, element_bytes);
    });
  }
  return digest;
}

}  // namespace plumb
