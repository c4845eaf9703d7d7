#include "base/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>

namespace plumb {
namespace {

// What a signal writes on stderr; the strings are literals, since a handler may not allocate.
struct Notices {
  const char* first;  // null where the first signal leaves at once, with the notice of the second
  const char* second;
};

constexpr Notices kRunNotices = {
    "\ninterrupt: saving at the next step; once more to leave at once\n",
    "\ninterrupt: left at once; what came after the last checkpoint is not saved and lost\n",
};
constexpr Notices kOutputNotices = {
    "\ninterrupt: stopping; an output that is not complete is removed; once more to leave at once\n",
    "\ninterrupt: left at once; what was written so far stays beside the output, with .tmp- in its name\n",
};
constexpr Notices kReaderNotices = {
    nullptr,
    "\ninterrupt: left; nothing was written yet\n",
};
constexpr Notices kServerNotices = {
    "\ninterrupt: stopping; calls in progress get a moment to end; once more to leave at once\n",
    "\ninterrupt: left at once; calls in progress were cut off and their work is lost\n",
};

std::atomic<bool> interrupt_requested{false};
std::atomic<const Notices*> notices{&kRunNotices};

void Say(const char* notice) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, notice, std::strlen(notice));
}

void OnSignal(int) {
  const Notices* said = notices.load();
  if (said->first == nullptr || interrupt_requested.exchange(true)) {
    Say(said->second);
    _exit(130);
  }
  Say(said->first);
}

void Install(const Notices& said) {
  notices = &said;
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

void InstallInterruptHandler() { Install(kRunNotices); }

void InstallOutputInterruptHandler() { Install(kOutputNotices); }

void InstallReaderInterruptHandler() { Install(kReaderNotices); }

void InstallServerInterruptHandler() { Install(kServerNotices); }

bool InterruptRequested() { return interrupt_requested.load(); }

void ExplainLostMappings() {
  struct sigaction action = {};
  // Only calls that are safe inside of a signal handler.
  action.sa_handler = [](int) {
    constexpr char kMessage[] =
        "plumb: error: a file that was being read is not there any more: somebody cut it, as one that is written anew, "
        "or the disk failed\n";
    (void)!::write(STDERR_FILENO, kMessage, sizeof(kMessage) - 1);
    ::_exit(1);
  };
  ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace plumb
