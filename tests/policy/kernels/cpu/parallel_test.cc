#include "policy/kernels/cpu/parallel.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "absl/time/clock.h"

namespace plumb::cpu {
namespace {

class ParallelTest : public ::testing::TestWithParam<int> {
 protected:
  ParallelTest() : before_(at::get_num_threads()) { at::set_num_threads(GetParam()); }
  ~ParallelTest() override { at::set_num_threads(before_); }

 private:
  const int before_;
};

TEST_P(ParallelTest, RangesCoverEveryItemOnce) {
  for (const int64_t count : {0, 1, 7, 1000}) {
    for (const int64_t grain : {0, 1, 3, 5000}) {
      std::vector<std::atomic<int>> hits(count);
      ParallelRanges(count, grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++hits[i];
      });
      for (const std::atomic<int>& hit : hits) EXPECT_EQ(hit, 1) << count << " " << grain;
    }
  }
}

TEST_P(ParallelTest, TasksRunOnceEach) {
  for (const int64_t count : {0, 1, 2, 37}) {
    std::vector<std::atomic<int>> hits(count);
    ParallelTasks(count, [&](int64_t task) { ++hits[task]; });
    for (const std::atomic<int>& hit : hits) EXPECT_EQ(hit, 1) << count;
  }
}

// Each call waits for as many as there are threads; returns whether they met.
bool MeetOthers(std::atomic<int>& started, int threads) {
  ++started;
  const absl::Time deadline = absl::Now() + absl::Seconds(20);
  while (started < threads && absl::Now() < deadline) std::this_thread::yield();
  return started >= threads;
}

TEST_P(ParallelTest, ThreadsWorkAtTheSameTime) {
  std::atomic<int> tasks = 0;
  std::atomic<int> met = 0;
  ParallelTasks(GetParam(), [&](int64_t) { met += MeetOthers(tasks, GetParam()); });
  EXPECT_EQ(met, GetParam());
  std::atomic<int> ranges = 0;
  ParallelRanges(100 * GetParam(), 1, [&](int64_t, int64_t) { met += MeetOthers(ranges, GetParam()); });
  EXPECT_EQ(met, 2 * GetParam());
}

TEST_P(ParallelTest, TasksInsideOfTasksRunInTheSameThread) {
  std::vector<std::atomic<int>> hits(6);
  ParallelTasks(2, [&](int64_t outer) { ParallelTasks(3, [&](int64_t inner) { ++hits[outer * 3 + inner]; }); });
  for (const std::atomic<int>& hit : hits) EXPECT_EQ(hit, 1);
}

INSTANTIATE_TEST_SUITE_P(Threads, ParallelTest, ::testing::Values(1, 2, 3));

}  // namespace
}  // namespace plumb::cpu
