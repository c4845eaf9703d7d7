#include "rollout/engine_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/time/clock.h"
#include "tests/rollout/tiny_policy.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using testing::Collected;
using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TinyEngine;
using testing::TinyLimits;

absl::Time Soon() { return absl::Now() + absl::Seconds(10); }

TEST(EngineLoopTest, RunsCommandsInItsThreadInOrder) {
  EngineLoop loop(TinyEngine(TinyLimits()));
  std::vector<int> order;  // touched by the engine's thread alone until Run() returns
  for (int i = 0; i < 5; ++i) ASSERT_OK(loop.Post([&order, i](Engine&) { order.push_back(i); }));
  EXPECT_THAT(loop.Run([](Engine&) { return absl::NotFoundError("no"); }, Soon()),
              StatusIs(absl::StatusCode::kNotFound, "no"));
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(EngineLoopTest, StateShowsWhatACommandDid) {
  EngineLoop loop(TinyEngine(TinyLimits()));
  ASSERT_OK(loop.Run(
      [](Engine& engine) {
        engine.ReplaceWeights(testing::OtherWeights(), {"run", 3, 4});
        return absl::OkStatus();
      },
      Soon()));
  EXPECT_EQ(loop.state().version.step, 3u);
}

TEST(EngineLoopTest, StepsUntilRequestsAreDone) {
  EngineLoop loop(TinyEngine(TinyLimits()));
  const std::vector<GroupRequest> groups = {testing::TinyGroup(0, 5, 2)};
  std::atomic<bool> done{false};
  ASSERT_OK(loop.Run(
      [&](Engine& engine) {
        return engine.Submit(groups, {.max_new_tokens = 5}, [&](RequestTick tick) { done = tick.done; }).status();
      },
      Soon()));
  const absl::Time deadline = Soon();
  while (!done && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_TRUE(done);
}

TEST(EngineLoopFaultTest, AWaitEndsAtItsDeadline) {
  EngineLoop loop(TinyEngine(TinyLimits()));
  ASSERT_OK(loop.Post([](Engine&) { absl::SleepFor(absl::Milliseconds(200)); }));
  EXPECT_THAT(loop.Run([](Engine&) { return absl::OkStatus(); }, absl::Now() + absl::Milliseconds(10)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("time allowed")));
}

// Fills the loop's queue behind a command that waits for `go`.
void FillQueue(EngineLoop& loop, const std::atomic<bool>& go) {
  std::atomic<bool> taken{false};
  ASSERT_OK(loop.Post([&go, &taken](Engine&) {
    taken = true;
    while (!go) absl::SleepFor(absl::Milliseconds(1));
  }));
  while (!taken) absl::SleepFor(absl::Milliseconds(1));
  absl::Status status;
  for (int i = 0; i < 10000 && status.ok(); ++i) status = loop.Post([](Engine&) {});
  ASSERT_THAT(status, StatusIs(absl::StatusCode::kResourceExhausted, ::testing::_));
}

TEST(EngineLoopFaultTest, AFullQueueStillTakesWhatTakesWorkAway) {
  EngineLoop loop(TinyEngine(TinyLimits()));
  std::atomic<bool> go{false};
  std::atomic<bool> ran{false};
  FillQueue(loop, go);
  EXPECT_OK(loop.PostAlways([&ran](Engine&) { ran = true; }));
  go = true;
  const absl::Time deadline = Soon();
  while (!ran && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_TRUE(ran);
}

TEST(EngineLoopFaultTest, AWaiterWhoseCommandIsDroppedIsToldAtOnce) {
  EngineLoop loop(TinyEngine(TinyLimits()));
  std::atomic<bool> taken{false};
  std::atomic<bool> go{false};
  ASSERT_OK(loop.Post([&](Engine&) {
    taken = true;
    while (!go) absl::SleepFor(absl::Milliseconds(1));
  }));
  while (!taken) absl::SleepFor(absl::Milliseconds(1));
  const absl::Time start = absl::Now();
  absl::Status status;
  std::thread waiter([&] { status = loop.Run([](Engine&) { return absl::OkStatus(); }, start + absl::Seconds(60)); });
  absl::SleepFor(absl::Milliseconds(50));  // most likely its command waits by now
  std::thread stopper([&] { loop.Stop(); });
  while (loop.Post([](Engine&) {}).ok()) absl::SleepFor(absl::Milliseconds(1));
  go = true;
  stopper.join();
  waiter.join();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("stopping")));
  EXPECT_LT(absl::Now() - start, absl::Seconds(30));
}

TEST(EngineLoopFaultTest, RefusesCommandsWhenFullOrStopped) {
  EngineLoop loop(TinyEngine(TinyLimits()));
  std::atomic<bool> go{false};
  FillQueue(loop, go);
  go = true;
  loop.Stop();
  EXPECT_THAT(loop.PostAlways([](Engine&) {}), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("stopping")));
  EXPECT_THAT(loop.Post([](Engine&) {}), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("stopping")));
}

}  // namespace
}  // namespace plumb
