#ifndef PLUMB_BASE_MUTEX_H_
#define PLUMB_BASE_MUTEX_H_

#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"

// A mutex with clang's thread-safety annotations over std::mutex. (Debian's absl::Mutex gives false reports under
// ThreadSanitizer.) `tools/check_locks.sh` builds with -Wthread-safety.

#if defined(__clang__)
#define PLUMB_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define PLUMB_THREAD_ANNOTATION(x)
#endif

// Abseil's header defines GUARDED_BY and NO_THREAD_SAFETY_ANALYSIS without a prefix too, with the same meaning.
#define CAPABILITY(x) PLUMB_THREAD_ANNOTATION(capability(x))
#define SCOPED_CAPABILITY PLUMB_THREAD_ANNOTATION(scoped_lockable)
#define REQUIRES(...) PLUMB_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) PLUMB_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) PLUMB_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define RELEASE(...) PLUMB_THREAD_ANNOTATION(release_capability(__VA_ARGS__))

namespace plumb {

class CondVar;

// Thread-safe.
class CAPABILITY("mutex") Mutex {
 public:
  void Lock() ACQUIRE() { mutex_.lock(); }
  void Unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex* mutex) ACQUIRE(mutex) : mutex_(mutex) { mutex_->Lock(); }
  ~MutexLock() RELEASE() { mutex_->Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex* const mutex_;
};

// A condition variable for Mutex. There is no wait without a limit: pass a deadline. Thread-safe.
class CondVar {
 public:
  // Waits for a notification until `deadline` at most; may wake early. Returns false when the deadline has passed.
  bool WaitUntil(Mutex* mutex, absl::Time deadline) REQUIRES(mutex) NO_THREAD_SAFETY_ANALYSIS {
    std::unique_lock<std::mutex> lock(mutex->mutex_, std::adopt_lock);
    const bool notified = deadline == absl::InfiniteFuture()
                              ? (condition_.wait(lock), true)
                              : condition_.wait_until(lock, absl::ToChronoTime(deadline)) == std::cv_status::no_timeout;
    lock.release();
    return notified;
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace plumb

#endif  // PLUMB_BASE_MUTEX_H_
