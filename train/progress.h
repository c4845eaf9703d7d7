#ifndef PLUMB_TRAIN_PROGRESS_H_
#define PLUMB_TRAIN_PROGRESS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "train/metrics_writer.h"

namespace plumb {

// Where progress goes. The defaults are those of a program; tests replace them.
struct ProgressOutput {
  bool terminal = false;
  int columns = 80;                                   // of the terminal
  std::function<void(absl::string_view text)> write;  // to the terminal
  std::function<void(absl::string_view line)> log;    // where there is none
  std::function<absl::Time()> now;

  // stderr, LogLine() of `component` and the clock.
  static ProgressOutput Standard(const std::string& component);
};

// Shows how far a run or a long piece of work is. On a terminal one line is drawn again and again, at most ten times a
// second, with a bar; elsewhere a log line is written at most every 10 s, and at the last step. Not thread-safe.
//
//   Progress progress("sft", 500, "step");
//   progress.Show(12, {{"loss", 0.51}, {"tokens_per_second", 8123}});
//
//   step 12/500 [>                   ] 4m10s left | loss 0.51 | tokens_per_second 8.12e+03
class Progress {
 public:
  // `component` is the folder, as in base/log.h; `unit` names what is counted.
  Progress(const std::string& component, int64_t total, const std::string& unit);
  Progress(ProgressOutput output, int64_t total, const std::string& unit);
  // Ends the terminal's line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` of `total` are finished. The time left is estimated from the first call on.
  void Show(int64_t done, const StepMetrics& shown = {});

 private:
  void Draw(int64_t done, const StepMetrics& shown, absl::Time now);

  const ProgressOutput output_;
  const int64_t total_;
  const std::string unit_;
  int64_t first_done_ = -1;
  absl::Time first_time_;
  absl::Time last_shown_ = absl::InfinitePast();
  bool drawn_ = false;
};

// "4m10s", "1h02m"; at most two units.
std::string FormatTimeLeft(absl::Duration left);

}  // namespace plumb

#endif  // PLUMB_TRAIN_PROGRESS_H_
