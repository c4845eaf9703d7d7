#ifndef PLUMB_TOOLS_COMMANDS_READY_LINE_H_
#define PLUMB_TOOLS_COMMANDS_READY_LINE_H_

#include "base/json.h"

namespace plumb::cli {

// Prints the one line on stdout that tells a parent process that a service is ready: {"address": "..."}.
void PrintReady(const Json& line);

// Sleeps until the first SIGINT or SIGTERM; a service runs for as long as it is wanted.
void WaitForInterrupt();

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_COMMANDS_READY_LINE_H_
