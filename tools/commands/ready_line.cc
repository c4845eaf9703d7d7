#include "tools/commands/ready_line.h"

#include <iostream>

#include "absl/time/clock.h"
#include "base/interrupt.h"

namespace plumb::cli {

void PrintReady(const Json& line) { std::cout << DumpJson(line) << std::endl; }

void WaitForInterrupt() {
  while (!InterruptRequested()) absl::SleepFor(absl::Milliseconds(50));
}

}  // namespace plumb::cli
