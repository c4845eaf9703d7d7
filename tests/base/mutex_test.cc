#include "base/mutex.h"

#include <gtest/gtest.h>

#include <thread>

#include "absl/time/clock.h"

namespace plumb {
namespace {

TEST(CondVarTest, WakesOnANotification) {
  Mutex mutex;
  CondVar changed;
  bool ready = false;
  std::thread other([&] {
    MutexLock lock(&mutex);
    ready = true;
    changed.NotifyAll();
  });
  {
    MutexLock lock(&mutex);
    while (!ready) {
      ASSERT_TRUE(changed.WaitUntil(&mutex, absl::Now() + absl::Seconds(10)));
    }
  }
  other.join();
}

TEST(CondVarTest, GivesUpAtTheDeadline) {
  Mutex mutex;
  CondVar changed;
  MutexLock lock(&mutex);
  while (changed.WaitUntil(&mutex, absl::Now() + absl::Milliseconds(20))) {
  }
}

}  // namespace
}  // namespace plumb
