#include "tools/bench/memory_watch.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

namespace plumb::cli {
namespace {

constexpr size_t kBytes = size_t{128} << 20;

TEST(MemoryWatchTest, RemembersWhatWasHeldInBetween) {
  const MemoryWatch watch;
  const std::unique_ptr<char[]> kept(new char[kBytes]);
  std::memset(kept.get(), 1, kBytes);
  {
    const std::unique_ptr<char[]> passing(new char[kBytes]);
    std::memset(passing.get(), 1, kBytes);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_NEAR(watch.ExtraBytes(), 2.0 * kBytes, 0.1 * kBytes);
}

}  // namespace
}  // namespace plumb::cli
