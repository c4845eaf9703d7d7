#ifndef PLUMB_TOOLS_KEPT_MEMORY_H_
#define PLUMB_TOOLS_KEPT_MEMORY_H_

namespace plumb::cli {

// What the process frees stays with it, and is taken again before new memory is. A training step frees what it has
// taken, and taking it anew from the system, page by page, costs some percent of its time. Pieces of 32 MiB and more go
// back. The heap of each thread that allocates grows by 64 MiB more than it needs; nobody writes there, but it counts
// where addresses or data are limited, or overcommitting is forbidden. Does nothing where the C library is not glibc,
// or a user has told it how to manage memory: glibc.malloc in GLIBC_TUNABLES, MALLOC_TRIM_THRESHOLD_,
// MALLOC_MMAP_THRESHOLD_ or MALLOC_TOP_PAD_.
// Source: mallopt(3).
void KeepFreedMemory();

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_KEPT_MEMORY_H_
