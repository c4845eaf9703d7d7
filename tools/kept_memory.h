#ifndef PLUMB_TOOLS_KEPT_MEMORY_H_
#define PLUMB_TOOLS_KEPT_MEMORY_H_

namespace plumb::cli {

// What the process frees stays with it, and is taken again before new memory is. A training step frees what it has
// taken, and taking it anew from the system, page by page, costs some percent of its time. Pieces above 32 MiB go back.
// Does nothing where the C library has no such switch, or MALLOC_TRIM_THRESHOLD_ or MALLOC_MMAP_THRESHOLD_ is set.
// Source: mallopt(3).
void KeepFreedMemory();

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_KEPT_MEMORY_H_
