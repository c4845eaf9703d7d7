#ifndef PLUMB_TOOLS_BENCH_MEMORY_WATCH_H_
#define PLUMB_TOOLS_BENCH_MEMORY_WATCH_H_

#include <atomic>
#include <thread>

namespace plumb::cli {

// Watches how much memory of its own this process holds (pages of mapped files apart), in a thread that looks every
// half millisecond, from construction on. What the process freed before is given back to the system first. Not
// thread-safe.
class MemoryWatch {
 public:
  MemoryWatch();
  ~MemoryWatch();
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;

  // The most bytes so far, above what was held at the start.
  double ExtraBytes() const;

 private:
  void Watch();

  const double before_;
  std::atomic<double> peak_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_BENCH_MEMORY_WATCH_H_
