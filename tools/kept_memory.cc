#include "tools/kept_memory.h"

#include <cstdlib>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace plumb::cli {

void KeepFreedMemory() {
#if defined(__GLIBC__)
  for (const char* own : {"GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_"}) {
    if (std::getenv(own) != nullptr) return;
  }
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that it takes
  mallopt(M_TRIM_THRESHOLD, -1);        // never
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

}  // namespace plumb::cli
