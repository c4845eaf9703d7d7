#ifndef PLUMB_BASE_CHILD_PROCESS_H_
#define PLUMB_BASE_CHILD_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"

namespace plumb {

// A child process that dies with its parent. Its stderr goes to `log_path` or, when that is empty, to ours; its stdout
// goes to a pipe that ReadLine() reads. Not thread-safe, but IsRunning() and Describe() may be called from any thread.
class ChildProcess {
 public:
  // `name` is for messages ("rollout worker"). arguments[0] is the program.
  // Errors: kNotFound when the program cannot be started.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(const std::string& name,
                                                             const std::vector<std::string>& arguments,
                                                             const std::string& log_path);
  // Stops the child: SIGTERM, then SIGKILL after 5 s.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // One line of the child's stdout, without its end.
  // Errors: kDeadlineExceeded; kUnavailable when the child ended, with how it ended and the end of its log.
  absl::StatusOr<std::string> ReadLine(absl::Time deadline);

  bool IsRunning();
  // "rollout worker (pid 12) was killed by signal 9" or "... exited with 3".
  std::string Describe();
  pid_t pid() const { return pid_; }
  void Stop(absl::Duration grace);

 private:
  ChildProcess(std::string name, pid_t pid, int output, std::string log_path, size_t log_start);
  std::string LogTail() const;
  // Collects the child's end where it has ended; true then and ever after.
  bool Reap() REQUIRES(mutex_);

  const std::string name_;
  const pid_t pid_;
  const int output_;
  const std::string log_path_;
  const size_t log_start_;  // bytes that were there before this process
  std::string buffer_;

  Mutex mutex_;
  bool ended_ GUARDED_BY(mutex_) = false;
  int wait_status_ GUARDED_BY(mutex_) = 0;
};

}  // namespace plumb

#endif  // PLUMB_BASE_CHILD_PROCESS_H_
