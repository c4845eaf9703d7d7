#include "rollout/engine_loop.h"

#include <utility>

#include "absl/time/clock.h"
#include "base/log.h"

namespace plumb {
namespace {

constexpr size_t kMaxCommands = 4096;
// An idle loop looks up this often, so that a missed wake-up costs no more.
constexpr absl::Duration kIdleWait = absl::Milliseconds(200);

// Where a waiting thread and the engine's thread meet; outlives either of them.
struct Rendezvous {
  Mutex mutex;
  CondVar changed;
  bool done GUARDED_BY(mutex) = false;
  absl::Status status GUARDED_BY(mutex);
};

}  // namespace

EngineLoop::EngineLoop(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {
  Publish(absl::OkStatus());
  thread_ = std::thread([this] { Work(); });
}

EngineLoop::~EngineLoop() { Stop(); }

void EngineLoop::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

absl::Status EngineLoop::Post(Command command) {
  MutexLock lock(&mutex_);
  if (stopping_) return absl::UnavailableError("the worker is stopping");
  if (commands_.size() >= kMaxCommands) return absl::ResourceExhaustedError("too many requests wait for the engine");
  commands_.push_back(std::move(command));
  changed_.NotifyAll();
  return absl::OkStatus();
}

absl::Status EngineLoop::Run(std::function<absl::Status(Engine& engine)> command, absl::Time deadline) {
  auto meeting = std::make_shared<Rendezvous>();
  const absl::Status posted = Post([this, meeting, command = std::move(command)](Engine& engine) {
    const absl::Status status = command(engine);
    Publish(state().failure);
    MutexLock lock(&meeting->mutex);
    meeting->status = status;
    meeting->done = true;
    meeting->changed.NotifyAll();
  });
  if (!posted.ok()) return posted;
  MutexLock lock(&meeting->mutex);
  while (!meeting->done) {
    if (!meeting->changed.WaitUntil(&meeting->mutex, deadline) && !meeting->done) {
      return absl::DeadlineExceededError("the engine did not get to it in the time allowed");
    }
  }
  return meeting->status;
}

void EngineLoop::SetPaused(bool paused) {
  MutexLock lock(&mutex_);
  state_.paused = paused;
  changed_.NotifyAll();
}

void EngineLoop::SetUpdating(bool updating) {
  MutexLock lock(&mutex_);
  state_.updating = updating;
}

EngineState EngineLoop::state() const {
  MutexLock lock(&mutex_);
  return state_;
}

void EngineLoop::Work() {
  std::deque<Command> commands;
  while (TakeCommands(commands)) {
    for (const Command& command : commands) command(*engine_);
    const bool paused = state().paused;
    const absl::Status status = paused ? absl::OkStatus() : engine_->Step();
    if (!status.ok()) LogError("rollout", "engine step: ", status.message());
    Publish(status);
  }
}

// Waits until there is something to do; false once the loop stops.
bool EngineLoop::TakeCommands(std::deque<Command>& commands) {
  commands.clear();
  MutexLock lock(&mutex_);
  while (!stopping_ && commands_.empty() && (state_.paused || engine_->idle())) {
    changed_.WaitUntil(&mutex_, absl::Now() + kIdleWait);
  }
  commands.swap(commands_);
  return !stopping_;
}

void EngineLoop::Publish(const absl::Status& step_status) {
  const EngineCounters counters = engine_->counters();
  MutexLock lock(&mutex_);
  state_.failure = step_status;
  state_.version = engine_->version();
  state_.counters = counters;
}

}  // namespace plumb
