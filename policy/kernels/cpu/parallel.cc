#include "policy/kernels/cpu/parallel.h"

#include <ATen/Parallel.h>
#include <immintrin.h>
#include <time.h>

#include <algorithm>
#include <atomic>

// The OpenMP runtime that LibTorch runs on; a second one would compete with it for the cores. It is called by name,
// because without -fopenmp at::parallel_for() is a plain loop, and that flag does not fit the precompiled headers.
extern "C" void GOMP_parallel(void (*body)(void* context), void* context, unsigned num_threads, unsigned flags);
extern "C" int omp_get_num_threads();
extern "C" int omp_get_thread_num();

namespace plumb::cpu::internal {
namespace {

// Calls of `per_call` items each, taken one by one by the threads that share `next`.
struct SharedCalls {
  RangeCall call;
  const void* context;
  int64_t count;
  int64_t per_call;

  void Take(std::atomic<int64_t>& next) const {
    for (int64_t begin = next.fetch_add(per_call, std::memory_order_relaxed); begin < count;
         begin = next.fetch_add(per_call, std::memory_order_relaxed)) {
      call(context, begin, std::min(begin + per_call, count));
    }
  }
};

constexpr int kSpins = 2000;  // some microseconds; after that a thread sleeps
constexpr int kCacheLine = 64;

int64_t Nanoseconds(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return int64_t{time.tv_sec} * 1000000000 + time.tv_nsec;
}

// The threads of a RunTogether(). Between two waits each shared call has a counter of its own, so that a thread may be
// some calls ahead of another.
class Team {
 public:
  static constexpr int kCounters = 16;

  std::atomic<int64_t>& counter(int index) { return counters_[index].next; }

  // Returns when all `size` members wait. Adds what it slept until then to `slept`, nanoseconds.
  void Wait(int64_t size, int64_t& slept) {
    const uint32_t round = round_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size) {
      arrived_.store(0, std::memory_order_relaxed);
      for (Counter& counter : counters_) counter.next.store(0, std::memory_order_relaxed);
      if (size > 1) released_at_.store(Nanoseconds(CLOCK_MONOTONIC), std::memory_order_relaxed);
      round_.store(round + 1, std::memory_order_release);
      round_.notify_all();
      return;
    }
    for (int spin = 0; spin < kSpins; ++spin, _mm_pause()) {
      if (round_.load(std::memory_order_acquire) != round) return;
    }
    const int64_t start = Nanoseconds(CLOCK_MONOTONIC);
    round_.wait(round, std::memory_order_acquire);
    slept += std::max<int64_t>(0, released_at_.load(std::memory_order_relaxed) - start);
  }

  void* shared = nullptr;  // of FirstThreads()

 private:
  struct alignas(kCacheLine) Counter {
    std::atomic<int64_t> next{0};
  };
  Counter counters_[kCounters];
  alignas(kCacheLine) std::atomic<int64_t> arrived_{0};
  alignas(kCacheLine) std::atomic<uint32_t> round_{0};
  std::atomic<int64_t> released_at_{0};  // when the last round ended
};

// The calling thread's place in a team.
struct Member {
  Team* team = nullptr;  // null: in none
  int64_t size = 0;      // of the team
  int64_t place = 0;
  bool working = false;  // inside of a shared call; what is called there runs in this thread alone
  int next_counter = 0;
  int64_t slept = 0;  // nanoseconds
};
thread_local Member member;

bool InTeam() { return member.team != nullptr && !member.working; }

void WaitForTeam() {
  member.next_counter = 0;
  member.team->Wait(member.size, member.slept);
}

// The member's own range, the same for equal counts.
void WorkOnRange(const SharedCalls& calls) {
  const int64_t begin = member.place * calls.per_call;
  if (begin >= calls.count) return;
  member.working = true;
  calls.call(calls.context, begin, std::min(begin + calls.per_call, calls.count));
  member.working = false;
}

void WorkOnTasks(const SharedCalls& calls) {
  if (member.next_counter == Team::kCounters) WaitForTeam();
  std::atomic<int64_t>& next = member.team->counter(member.next_counter++);
  member.working = true;
  calls.Take(next);
  member.working = false;
}

struct Region {
  SharedCalls calls;
  std::atomic<int64_t> next{0};
};

void ShareInRegion(int64_t threads, const SharedCalls& calls) {
  Region region{calls};
  GOMP_parallel(
      [](void* context) {
        Region& shared = *static_cast<Region*>(context);
        shared.calls.Take(shared.next);
      },
      &region, static_cast<unsigned>(threads), 0);
}

int64_t Threads() {
  if (InTeam()) return member.size;
  return member.team != nullptr || at::in_parallel_region() ? 1 : at::get_num_threads();
}

struct Together {
  Team team;
  void (*call)(const void* context);
  const void* context;
  int64_t start;                 // nanoseconds
  std::atomic<int64_t> lost{0};  // nanoseconds that members wanted a core and had none
};

void Enter(void* context) {
  Together& together = *static_cast<Together*>(context);
  const int64_t worked_before = Nanoseconds(CLOCK_THREAD_CPUTIME_ID);
  member = {&together.team, omp_get_num_threads(), omp_get_thread_num(), false, 0, 0};
  together.call(together.context);
  WaitForTeam();  // the region's own end sleeps at once where OMP_WAIT_POLICY says so
  const int64_t worked = Nanoseconds(CLOCK_THREAD_CPUTIME_ID) - worked_before;
  together.lost += Nanoseconds(CLOCK_MONOTONIC) - together.start - worked - member.slept;
  member = Member();
}

// Whether the cores are busy with other programs: then a member of a team lacks a core while the others wait for it, at
// each of the many places where they wait, and one thread alone is faster than several. Kept by the calling thread.
class Crowd {
 public:
  bool keeps_alone(int64_t now) const { return now < alone_until_; }

  // After a team has worked from `start` to `now`.
  void Learn(int64_t start, int64_t now, int64_t lost) {
    if (lost < kMinLost || 4 * lost < now - start) {
      alone_for_ /= 2;
      return;
    }
    alone_for_ = std::clamp(2 * alone_for_, kShortest, kLongest);
    alone_until_ = now + alone_for_;
  }

 private:
  static constexpr int64_t kMinLost = 150000;     // nanoseconds, like all of them
  static constexpr int64_t kShortest = 10000000;  // some dozens of decode steps
  static constexpr int64_t kLongest = 500000000;
  int64_t alone_until_ = 0;
  int64_t alone_for_ = 0;
};

// The caller as the only member of a team.
void RunAlone(void (*call)(const void* context), const void* context) {
  Team team;
  member = {&team, 1, 0, false, 0, 0};
  call(context);
  member = Member();
}

}  // namespace

void RunRanges(int64_t count, int64_t grain, RangeCall call, const void* context) {
  if (count <= 0) return;
  const int64_t ranges = (count + std::max<int64_t>(1, grain) - 1) / std::max<int64_t>(1, grain);
  const int64_t threads = std::min(ranges, Threads());
  const SharedCalls calls = {call, context, count, (count + threads - 1) / threads};
  if (InTeam()) return WorkOnRange(calls);
  if (threads <= 1) return call(context, 0, count);
  ShareInRegion(threads, calls);
}

void RunTasks(int64_t count, RangeCall call, const void* context) {
  if (count <= 0) return;
  const int64_t threads = std::min(count, Threads());
  const SharedCalls calls = {call, context, count, 1};
  if (InTeam()) return WorkOnTasks(calls);
  if (threads <= 1) return call(context, 0, count);
  ShareInRegion(threads, calls);
}

void RunTogether(void (*call)(const void* context), const void* context) {
  thread_local Crowd crowd;
  if (member.team != nullptr) return call(context);
  const int64_t threads = Threads();
  const int64_t start = Nanoseconds(CLOCK_MONOTONIC);
  if (threads <= 1 || crowd.keeps_alone(start)) return RunAlone(call, context);
  Together together{{}, call, context, start};
  GOMP_parallel(Enter, &together, static_cast<unsigned>(threads), 0);
  crowd.Learn(start, Nanoseconds(CLOCK_MONOTONIC), together.lost);
}

}  // namespace plumb::cpu::internal

namespace plumb::cpu {

int64_t NumThreads() { return internal::Threads(); }

void WaitForOthers() {
  if (internal::InTeam()) internal::WaitForTeam();
}

void* FirstThreads(void* value) {
  if (!internal::InTeam()) return value;
  void*& shared = internal::member.team->shared;
  if (internal::member.place == 0) shared = value;
  internal::WaitForTeam();
  value = shared;
  internal::WaitForTeam();  // before it is set again
  return value;
}

}  // namespace plumb::cpu
