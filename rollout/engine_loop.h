#ifndef PLUMB_ROLLOUT_ENGINE_LOOP_H_
#define PLUMB_ROLLOUT_ENGINE_LOOP_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "rollout/engine.h"

namespace plumb {

// What a worker is doing, for health reports.
struct EngineState {
  bool paused = false;
  bool updating = false;
  absl::Status failure;  // of the last step, where it failed
  WeightVersion version;
  EngineCounters counters;
};

// Runs an engine in a thread of its own. Other threads hand it commands through a bounded queue; the commands run in
// the engine's thread between steps. Thread-safe.
class EngineLoop {
 public:
  using Command = std::function<void(Engine& engine)>;

  explicit EngineLoop(std::unique_ptr<Engine> engine);
  ~EngineLoop();
  EngineLoop(const EngineLoop&) = delete;
  EngineLoop& operator=(const EngineLoop&) = delete;

  // Ends the thread after the step in progress; commands that have not run are dropped. Nothing runs in the engine's
  // thread after it. May be called again.
  void Stop();

  // Errors: kResourceExhausted when too many commands wait; kUnavailable after the loop was stopped.
  absl::Status Post(Command command);

  // As Post(), but never refused for a full queue: for what takes work away from the engine, such as a cancel. Callers
  // post no more of these than there are requests.
  absl::Status PostAlways(Command command);

  // Posts a command and waits until it has run; state() then shows what it did.
  // Errors: also kDeadlineExceeded; the command may then still run, and what it refers to must live; kUnavailable when
  // the loop stops before it ran.
  absl::Status Run(std::function<absl::Status(Engine& engine)> command, absl::Time deadline);

  void SetPaused(bool paused);
  void SetUpdating(bool updating);
  EngineState state() const;

 private:
  absl::Status Queue(Command command, size_t max_waiting);
  void Work();
  bool TakeCommands(std::deque<Command>& commands);
  void Publish(const absl::Status& step_status);

  const std::unique_ptr<Engine> engine_;  // used by the thread alone

  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Command> commands_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  EngineState state_ GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace plumb

#endif  // PLUMB_ROLLOUT_ENGINE_LOOP_H_
