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

// Many calls between two waits, more than there are counters for.
TEST_P(ParallelTest, ThreadsOfATeamShareEachCall) {
  constexpr int kCalls = 40;
  std::vector<std::atomic<int>> tasks(kCalls * 5);
  std::vector<std::atomic<int>> items(kCalls * 7);
  RunTogether([&] {
    for (int call = 0; call < kCalls; ++call) {
      ParallelTasks(5, [&](int64_t task) { ++tasks[call * 5 + task]; });
      ParallelRanges(7, 1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) ++items[call * 7 + i];
      });
    }
  });
  for (const std::atomic<int>& hits : tasks) EXPECT_EQ(hits, 1);
  for (const std::atomic<int>& hits : items) EXPECT_EQ(hits, 1);
}

// Each round sums what all tasks of the round before wrote: not atomic, so that a missing wait gives a wrong sum.
TEST_P(ParallelTest, WaitingShowsWhatOthersWrote) {
  constexpr int kRounds = 300;
  constexpr int64_t kWidth = 8;
  std::vector<int64_t> before(kWidth, 1), after(kWidth, 0);
  RunTogether([&] {
    for (int round = 0; round < kRounds; ++round) {
      std::vector<int64_t>& from = round % 2 == 0 ? before : after;
      std::vector<int64_t>& to = round % 2 == 0 ? after : before;
      ParallelTasks(kWidth, [&](int64_t task) {
        to[task] = 0;
        for (const int64_t number : from) to[task] = (to[task] + number) % 1000003;
      });
      WaitForOthers();
    }
  });
  int64_t expected = 1;
  for (int round = 0; round < kRounds; ++round) expected = expected * kWidth % 1000003;
  for (const int64_t number : before) EXPECT_EQ(number, expected);
}

TEST_P(ParallelTest, EqualRangesGoToTheSameThread) {
  std::vector<std::thread::id> owners(11);
  std::atomic<int> moved = 0;
  RunTogether([&] {
    ParallelRanges(11, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) owners[i] = std::this_thread::get_id();
    });
    ParallelRanges(11, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) moved += owners[i] != std::this_thread::get_id();
    });
  });
  EXPECT_EQ(moved, 0);
}

TEST_P(ParallelTest, AllThreadsGetTheFirstOnesValue) {
  std::atomic<int> wrong = 0;
  RunTogether([&] {
    for (int round = 0; round < 50; ++round) {
      int own = round;
      const void* first = FirstThreads(&own);
      const void* again = FirstThreads(const_cast<void*>(first));
      wrong += first != again || *static_cast<const int*>(first) != round;
      WaitForOthers();  // before `own` goes
    }
  });
  EXPECT_EQ(wrong, 0);
}

TEST_P(ParallelTest, TasksOfATeamThatShareWorkKeepIt) {
  std::vector<std::atomic<int>> hits(6);
  RunTogether([&] {
    ParallelTasks(2, [&](int64_t outer) { ParallelTasks(3, [&](int64_t inner) { ++hits[outer * 3 + inner]; }); });
  });
  for (const std::atomic<int>& hit : hits) EXPECT_EQ(hit, 1);
}

// More threads that never rest than cores: a team must neither hang nor crawl.
TEST(ParallelFaultTest, ATeamWithoutCoresEnds) {
  const int before = at::get_num_threads();
  at::set_num_threads(3);
  std::atomic<bool> stop = false;
  std::vector<std::thread> busy;
  for (unsigned i = 0; i < 2 * std::thread::hardware_concurrency(); ++i) {
    busy.emplace_back([&] {
      while (!stop) {
      }
    });
  }
  const absl::Time start = absl::Now();
  std::atomic<int64_t> done = 0;
  for (int region = 0; region < 20; ++region) {
    RunTogether([&] {
      for (int phase = 0; phase < 60; ++phase) {
        ParallelTasks(6, [&](int64_t) { ++done; });
        WaitForOthers();
      }
    });
  }
  EXPECT_LT(absl::Now() - start, absl::Seconds(60));  // hours where threads spun to the end of their turns
  stop = true;
  for (std::thread& thread : busy) thread.join();
  at::set_num_threads(before);
  EXPECT_EQ(done, 20 * 60 * 6);
}

INSTANTIATE_TEST_SUITE_P(Threads, ParallelTest, ::testing::Values(1, 2, 3));

}  // namespace
}  // namespace plumb::cpu
