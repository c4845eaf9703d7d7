#include "train/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "base/log.h"

namespace plumb {
namespace {

constexpr absl::Duration kRedraw = absl::Milliseconds(100);
constexpr absl::Duration kLogEvery = absl::Seconds(10);
constexpr int kBarCells = 20;

int TerminalColumns() {
  winsize size;
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

std::string Bar(int64_t done, int64_t total) {
  const int64_t cells = total <= 0 ? kBarCells : std::clamp<int64_t>(done * kBarCells / total, 0, kBarCells);
  std::string bar(static_cast<size_t>(cells), '=');
  if (cells < kBarCells) bar += '>';
  bar.resize(kBarCells, ' ');
  return absl::StrCat(" [", bar, "]");
}

}  // namespace

ProgressOutput ProgressOutput::Standard(const std::string& component) {
  ProgressOutput output;
  output.terminal = ::isatty(STDERR_FILENO) == 1;
  if (output.terminal) output.columns = TerminalColumns();
  output.write = [](absl::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  };
  output.log = [component](absl::string_view line) { LogInfo(component, line); };
  output.now = [] { return absl::Now(); };
  return output;
}

std::string FormatTimeLeft(absl::Duration left) {
  const int64_t seconds = std::max<int64_t>(0, absl::ToInt64Seconds(left));
  if (seconds < 60) return absl::StrCat(seconds, "s");
  if (seconds < 3600) return absl::StrFormat("%dm%02ds", seconds / 60, seconds % 60);
  return absl::StrFormat("%dh%02dm", seconds / 3600, seconds / 60 % 60);
}

Progress::Progress(const std::string& component, int64_t total, const std::string& unit)
    : Progress(ProgressOutput::Standard(component), total, unit) {}

Progress::Progress(ProgressOutput output, int64_t total, const std::string& unit)
    : output_(std::move(output)), total_(total), unit_(unit) {}

Progress::~Progress() {
  if (drawn_) output_.write("\n");
}

void Progress::Show(int64_t done, const StepMetrics& shown) {
  const absl::Time now = output_.now();
  if (first_done_ < 0) {
    first_done_ = done;
    first_time_ = now;
  }
  const absl::Duration pause = output_.terminal ? kRedraw : kLogEvery;
  if (now - last_shown_ < pause && done < total_) return;
  last_shown_ = now;
  Draw(done, shown, now);
}

void Progress::Draw(int64_t done, const StepMetrics& shown, absl::Time now) {
  std::string line = absl::StrCat(unit_, " ", done, "/", total_);
  if (output_.terminal) line += Bar(done, total_);
  const char* separator = output_.terminal ? " " : ": ";
  if (done > first_done_ && done < total_) {
    const absl::Duration left = (now - first_time_) / (done - first_done_) * (total_ - done);
    absl::StrAppend(&line, std::exchange(separator, " | "), FormatTimeLeft(left), " left");
  }
  for (const auto& [name, value] : shown) {
    absl::StrAppend(&line, std::exchange(separator, " | "), name, " ", absl::StrFormat("%.3g", value));
  }
  if (!output_.terminal) {
    output_.log(line);
    return;
  }
  line.resize(std::min(line.size(), static_cast<size_t>(output_.columns - 1)));
  // The cursor waits at the line's start, so that a log line begins there.
  output_.write(absl::StrCat("\r\033[K", line, "\r"));
  drawn_ = true;
}

}  // namespace plumb
