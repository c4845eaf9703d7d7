#include "policy/kernels/cpu/scratch.h"

#include <cstdlib>
#include <memory>

#include "base/check.h"

namespace plumb::cpu {
namespace {

constexpr size_t kAlignment = 64;

struct Freed {
  void operator()(float* memory) const { std::free(memory); }
};

struct Buffer {
  std::unique_ptr<float, Freed> memory;
  int64_t size = 0;
};

Buffer& BufferOf(ScratchUse use) {
  thread_local Buffer buffers[3];
  return buffers[static_cast<int>(use)];
}

}  // namespace

Scratch::Scratch(ScratchUse use, int64_t num_floats) {
  Buffer& buffer = BufferOf(use);
  if (buffer.size < num_floats) {
    const int64_t size = Rounded(num_floats);
    buffer.memory.reset();
    buffer.memory.reset(static_cast<float*>(std::aligned_alloc(kAlignment, size * sizeof(float))));
    PLUMB_CHECK(buffer.memory != nullptr) << "a kernel needs " << size * sizeof(float) << " bytes of scratch memory";
    buffer.size = size;
  }
  next_ = buffer.memory.get();
  end_ = next_ + buffer.size;
}

float* Scratch::Take(int64_t count) {
  float* const taken = next_;
  next_ += Rounded(count);
  PLUMB_CHECK(next_ <= end_) << "a kernel takes more scratch memory than it asked for";
  return taken;
}

}  // namespace plumb::cpu
