#include "policy/kernels/cpu/parallel.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <atomic>
#include <vector>

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

TEST_P(ParallelTest, TasksInsideOfTasksRunInTheSameThread) {
  std::vector<std::atomic<int>> hits(6);
  ParallelTasks(2, [&](int64_t outer) { ParallelTasks(3, [&](int64_t inner) { ++hits[outer * 3 + inner]; }); });
  for (const std::atomic<int>& hit : hits) EXPECT_EQ(hit, 1);
}

INSTANTIATE_TEST_SUITE_P(Threads, ParallelTest, ::testing::Values(1, 2, 3));

}  // namespace
}  // namespace plumb::cpu
