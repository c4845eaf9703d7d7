#include "tests/testing/test_files.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/file.h"

namespace plumb::testing {
namespace {

template <typename T>
T OrDie(absl::StatusOr<T> result) {
  if (!result.ok()) {
    std::fprintf(stderr, "test file: %s\n", result.status().ToString().c_str());
    std::abort();
  }
  return *std::move(result);
}

// Tests run with the source folder as working folder, unless PLUMB_SOURCE says where it is.
std::string SourceFolder() {
  const char* folder = std::getenv("PLUMB_SOURCE");
  return folder != nullptr ? folder : ".";
}

bool ReadSome(int descriptor, std::string& text) {
  char bytes[1 << 16];
  const ssize_t count = ::read(descriptor, bytes, sizeof(bytes));
  if (count > 0) text.append(bytes, static_cast<size_t>(count));
  return count > 0;
}

}  // namespace

std::string SourcePath(const std::string& relative) { return SourceFolder() + "/" + relative; }
std::string GoldenPath(const std::string& relative) { return SourcePath("tests/golden/" + relative); }

std::string MustRead(const std::string& path) { return OrDie(ReadFile(path)); }

Json MustReadJson(const std::string& path) { return OrDie(ParseJson(MustRead(path), path)); }

std::vector<Json> MustReadJsonLines(const std::string& path) {
  std::vector<Json> rows;
  const std::string text = MustRead(path);
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipWhitespace())) {
    rows.push_back(OrDie(ParseJson(line, path)));
  }
  return rows;
}

TestFolder::TestFolder() : path_(OrDie(MakeTemporaryFolder("plumb-test-"))) {}
TestFolder::~TestFolder() { (void)RemoveFolder(path_); }

std::string PlumbProgram() {
  const char* program = std::getenv("PLUMB_PROGRAM");
  return program != nullptr ? program : SourcePath("build/plumb");
}

CommandResult RunCommand(const std::vector<std::string>& arguments, int timeout_seconds) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  int output[2];
  int errors[2];
  CommandResult result;
  if (::pipe2(output, O_CLOEXEC) != 0 || ::pipe2(errors, O_CLOEXEC) != 0) return result;
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(output[1], STDOUT_FILENO);
    ::dup2(errors[1], STDERR_FILENO);
    ::execvp(pointers[0], pointers.data());
    _exit(127);
  }
  ::close(output[1]);
  ::close(errors[1]);
  const absl::Time deadline = absl::Now() + absl::Seconds(timeout_seconds);
  bool output_open = true;
  bool errors_open = true;
  while ((output_open || errors_open) && absl::Now() < deadline) {
    pollfd waiting[2] = {{output_open ? output[0] : -1, POLLIN, 0}, {errors_open ? errors[0] : -1, POLLIN, 0}};
    if (::poll(waiting, 2, 200) <= 0) continue;
    if (waiting[0].revents != 0) output_open = ReadSome(output[0], result.output);
    if (waiting[1].revents != 0) errors_open = ReadSome(errors[0], result.errors);
  }
  const bool timed_out = output_open || errors_open;
  if (timed_out) ::kill(pid, SIGKILL);
  int status = 0;
  ::waitpid(pid, &status, 0);
  ::close(output[0]);
  ::close(errors[0]);
  if (!timed_out && WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (timed_out) result.errors += "\n(killed after the time allowed)";
  return result;
}

}  // namespace plumb::testing
