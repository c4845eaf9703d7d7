#include "rollout/engine_loop.h"

#include <limits>
#include <utility>

#include "absl/time/clock.h"
#include "base/log.h"

namespace plumb {
namespace {

constexpr size_t kMaxCommands = 4096;
// An idle loop looks up this often, so that a missed wake-up costs no more.
constexpr absl::Duration kIdleWait = absl::Milliseconds(200);

// Where a waiting thread and the engine's thread meet; outlives either of them. Thread-safe.
class Rendezvous {
 public:
  void Finish(const absl::Status& status) {
    MutexLock lock(&mutex_);
    if (done_) return;
    status_ = status;
    done_ = true;
    changed_.NotifyAll();
  }

  absl::Status Wait(absl::Time deadline) {
    MutexLock lock(&mutex_);
    while (!done_) {
      if (!changed_.WaitUntil(&mutex_, deadline) && !done_) {
        return absl::DeadlineExceededError("the engine did not get to it in the time allowed");
      }
    }
    return status_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool done_ GUARDED_BY(mutex_) = false;
  absl::Status status_ GUARDED_BY(mutex_);
};

// Lives as long as a queued command: a command that is dropped lets its waiter go.
class Ticket {
 public:
  explicit Ticket(std::shared_ptr<Rendezvous> meeting) : meeting_(std::move(meeting)) {}
  ~Ticket() { meeting_->Finish(absl::UnavailableError("the worker is stopping")); }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  void Finish(const absl::Status& status) { meeting_->Finish(status); }

 private:
  const std::shared_ptr<Rendezvous> meeting_;
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

absl::Status EngineLoop::Post(Command command) { return Queue(std::move(command), kMaxCommands); }

absl::Status EngineLoop::PostAlways(Command command) {
  return Queue(std::move(command), std::numeric_limits<size_t>::max());
}

absl::Status EngineLoop::Queue(Command command, size_t max_waiting) {
  MutexLock lock(&mutex_);
  if (stopping_) return absl::UnavailableError("the worker is stopping");
  if (commands_.size() >= max_waiting) return absl::ResourceExhaustedError("too many requests wait for the engine");
  commands_.push_back(std::move(command));
  changed_.NotifyAll();
  return absl::OkStatus();
}

absl::Status EngineLoop::Run(std::function<absl::Status(Engine& engine)> command, absl::Time deadline) {
  auto meeting = std::make_shared<Rendezvous>();
  const absl::Status posted =
      Post([this, ticket = std::make_shared<Ticket>(meeting), command = std::move(command)](Engine& engine) {
        const absl::Status status = command(engine);
        Publish(state().failure);
        ticket->Finish(status);
      });
  if (!posted.ok()) return posted;
  return meeting->Wait(deadline);
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
