#ifndef PLUMB_BASE_INTERRUPT_H_
#define PLUMB_BASE_INTERRUPT_H_

namespace plumb {

// The first SIGINT or SIGTERM asks the run to save and leave at its next step; the second leaves at once (exit 130).
void InstallInterruptHandler();

// True once the first signal came. Thread-safe.
bool InterruptRequested();

}  // namespace plumb

#endif  // PLUMB_BASE_INTERRUPT_H_
