#include "tests/policy/exactness/host_cost.h"

#include <dlfcn.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<int64_t> num_allocations{0};
std::atomic<int64_t> num_regions{0};

using GompParallel = void (*)(void (*body)(void* context), void* context, unsigned num_threads, unsigned flags);

}  // namespace

void* operator new(std::size_t size) {
  ++num_allocations;
  void* const memory = std::malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

extern "C" void GOMP_parallel(void (*body)(void* context), void* context, unsigned num_threads, unsigned flags) {
  static const auto next = reinterpret_cast<GompParallel>(dlsym(RTLD_NEXT, "GOMP_parallel"));
  ++num_regions;
  next(body, context, num_threads, flags);
}

namespace plumb::testing {

HostCost HostCost::Now() { return {num_allocations, num_regions}; }

}  // namespace plumb::testing
