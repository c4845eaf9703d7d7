#ifndef PLUMB_BASE_INTERRUPT_H_
#define PLUMB_BASE_INTERRUPT_H_

namespace plumb {

// All: the first SIGINT or SIGTERM asks, says on stderr what will happen, and the second leaves at once (exit 130)
// with a line that says what is lost by it. The handler that was installed last holds.

// For a run: the first signal asks it to save and leave at its next step.
void InstallInterruptHandler();

// For a command whose output appears whole or not at all: the first signal asks it to stop and to leave nothing.
void InstallOutputInterruptHandler();

// For the part of such a command that only reads: the first signal leaves at once.
void InstallReaderInterruptHandler();

// For a server, which has nothing to save: the first signal asks it to stop.
void InstallServerInterruptHandler();

// True once the first signal came. Thread-safe.
bool InterruptRequested();

// From now on a read of a mapped file that is not there any more, since somebody cut the file while it was read or the
// disk failed, ends the program with exit code 1 and a message on stderr; the system would end it without a word.
void ExplainLostMappings();

}  // namespace plumb

#endif  // PLUMB_BASE_INTERRUPT_H_
