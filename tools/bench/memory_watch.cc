#include "tools/bench/memory_watch.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace plumb::cli {
namespace {

// Resident pages less those that are shared with files, from /proc/self/statm; 0 where that cannot be read.
double OwnBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  long size = 0, resident = 0, shared = 0;
  const int found = std::fscanf(file, "%ld %ld %ld", &size, &resident, &shared);
  std::fclose(file);
  return found == 3 ? static_cast<double>(resident - shared) * static_cast<double>(sysconf(_SC_PAGESIZE)) : 0;
}

double OwnBytesAfterTrim() {
  malloc_trim(0);
  return OwnBytes();
}

}  // namespace

MemoryWatch::MemoryWatch() : before_(OwnBytesAfterTrim()), peak_(before_), thread_([this] { Watch(); }) {}

MemoryWatch::~MemoryWatch() {
  stopping_ = true;
  thread_.join();
}

double MemoryWatch::ExtraBytes() const { return std::max(peak_.load(), OwnBytes()) - before_; }

void MemoryWatch::Watch() {
  while (!stopping_) {
    peak_ = std::max(peak_.load(), OwnBytes());
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
}

}  // namespace plumb::cli
