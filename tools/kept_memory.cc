#include "tools/kept_memory.h"

#include <cstdlib>
#include <cstring>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace plumb::cli {
#if defined(__GLIBC__)
namespace {

bool AUserHasChosen() {
  for (const char* own : {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_"}) {
    if (std::getenv(own) != nullptr) return true;
  }
  const char* const tunables = std::getenv("GLIBC_TUNABLES");
  return tunables != nullptr && std::strstr(tunables, "glibc.malloc.") != nullptr;
}

}  // namespace

void KeepFreedMemory() {
  if (AUserHasChosen()) return;
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that it takes
  mallopt(M_TRIM_THRESHOLD, -1);        // never
  mallopt(M_TOP_PAD, 64 << 20);
}
#else
void KeepFreedMemory() {}
#endif

}  // namespace plumb::cli
