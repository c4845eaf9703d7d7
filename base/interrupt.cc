#include "base/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

namespace plumb {
namespace {

std::atomic<bool> interrupt_requested{false};

void OnSignal(int) {
  constexpr char kNotice[] = "\ninterrupt: saving at the next step; once more to leave at once\n";
  if (interrupt_requested.exchange(true)) _exit(130);
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kNotice, sizeof(kNotice) - 1);
}

}  // namespace

void InstallInterruptHandler() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

bool InterruptRequested() { return interrupt_requested.load(); }

}  // namespace plumb
