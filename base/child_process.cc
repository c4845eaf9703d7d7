#include "base/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/file.h"

namespace plumb {
namespace {

constexpr size_t kLogTailBytes = 2000;
constexpr absl::Duration kPollInterval = absl::Milliseconds(20);

// Runs in the child between fork and exec: only calls that are safe there.
[[noreturn]] void ExecChild(char* const* arguments, int output, int errors, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) _exit(127);
  // An interrupt at the terminal is the parent's to handle; it then stops its children.
  ::setpgid(0, 0);
  ::dup2(output, STDOUT_FILENO);
  if (errors >= 0) ::dup2(errors, STDERR_FILENO);
  ::execvp(arguments[0], arguments);
  _exit(127);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(const std::string& name,
                                                                  const std::vector<std::string>& arguments,
                                                                  const std::string& log_path) {
  if (arguments.empty()) return absl::InvalidArgumentError(absl::StrCat(name, ": no program given"));
  if (arguments[0].find('/') != std::string::npos && ::access(arguments[0].c_str(), X_OK) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat(name, ": cannot start ", arguments[0]));
  }
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  int log = -1;
  off_t log_start = 0;
  if (!log_path.empty()) {
    log = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log < 0) return absl::ErrnoToStatus(errno, absl::StrCat(name, ": cannot open the log ", log_path));
    log_start = std::max<off_t>(::lseek(log, 0, SEEK_END), 0);
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, absl::StrCat(name, ": cannot make a pipe"));
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) ExecChild(pointers.data(), ends[1], log, parent);
  const int fork_error = errno;
  ::close(ends[1]);
  if (log >= 0) ::close(log);
  if (pid < 0) {
    ::close(ends[0]);
    return absl::ErrnoToStatus(fork_error, absl::StrCat(name, ": cannot start a process"));
  }
  return std::unique_ptr<ChildProcess>(new ChildProcess(name, pid, ends[0], log_path, static_cast<size_t>(log_start)));
}

ChildProcess::ChildProcess(std::string name, pid_t pid, int output, std::string log_path, size_t log_start)
    : name_(std::move(name)), pid_(pid), output_(output), log_path_(std::move(log_path)), log_start_(log_start) {}

ChildProcess::~ChildProcess() {
  Stop(absl::Seconds(5));
  ::close(output_);
}

absl::StatusOr<std::string> ChildProcess::ReadLine(absl::Time deadline) {
  while (true) {
    if (const size_t end = buffer_.find('\n'); end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError(absl::StrCat(name_, " (pid ", pid_, ") printed nothing in the time allowed"));
    }
    pollfd waiting = {output_, POLLIN, 0};
    const int ready =
        ::poll(&waiting, 1, static_cast<int>(absl::ToInt64Milliseconds(std::min(left, absl::Seconds(1)))));
    if (ready <= 0) continue;
    char bytes[4096];
    const ssize_t count = ::read(output_, bytes, sizeof(bytes));
    if (count > 0) {
      buffer_.append(bytes, static_cast<size_t>(count));
    } else if (count == 0) {
      Stop(absl::Seconds(1));
      return absl::UnavailableError(absl::StrCat(Describe(), LogTail()));
    }
  }
}

bool ChildProcess::IsRunning() {
  MutexLock lock(&mutex_);
  return !Reap();
}

bool ChildProcess::Reap() {
  if (ended_) return true;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
  wait_status_ = status;
  ended_ = true;
  return true;
}

std::string ChildProcess::Describe() {
  MutexLock lock(&mutex_);
  const std::string who = absl::StrCat(name_, " (pid ", pid_, ")");
  if (!Reap()) return absl::StrCat(who, " is running");
  if (WIFSIGNALED(wait_status_)) {
    return absl::StrCat(who, " was killed by signal ", WTERMSIG(wait_status_), " (",
                        ::strsignal(WTERMSIG(wait_status_)), ")");
  }
  return absl::StrCat(who, " exited with ", WEXITSTATUS(wait_status_));
}

void ChildProcess::Stop(absl::Duration grace) {
  if (!IsRunning()) return;
  ::kill(pid_, SIGTERM);
  const absl::Time limit = absl::Now() + grace;
  while (IsRunning() && absl::Now() < limit) absl::SleepFor(kPollInterval);
  if (!IsRunning()) return;
  ::kill(pid_, SIGKILL);
  while (IsRunning()) absl::SleepFor(kPollInterval);
}

std::string ChildProcess::LogTail() const {
  if (log_path_.empty()) return "";
  const absl::StatusOr<std::string> log = ReadFile(log_path_);
  if (!log.ok() || log->size() <= log_start_) return "";
  const size_t own_bytes = log->size() - log_start_;
  const std::string tail = log->substr(log->size() - std::min(own_bytes, kLogTailBytes));
  return absl::StrCat("; the end of its log ", log_path_, ":\n", tail);
}

}  // namespace plumb
