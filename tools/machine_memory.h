#ifndef PLUMB_TOOLS_MACHINE_MEMORY_H_
#define PLUMB_TOOLS_MACHINE_MEMORY_H_

namespace plumb::cli {

// The memory that programs can still take, in bytes: what the system says, or what is left of the control group's limit
// where that is less. 0 where neither is known.
double AvailableMemoryBytes();

// All of the machine's memory; 0 where it is not known.
double TotalMemoryBytes();

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_MACHINE_MEMORY_H_
