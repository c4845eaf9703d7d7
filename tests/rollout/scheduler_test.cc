#include "rollout/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <queue>
#include <random>
#include <vector>

namespace plumb {
namespace {

// Plays the engine: every sequence ends after a given number of sampled tokens.
class FakeEngine {
 public:
  explicit FakeEngine(const SchedulerLimits& limits) : limits_(limits), scheduler(limits) {}

  void Add(int64_t prompt, const std::vector<int64_t>& lengths, int64_t max_new = 0) {
    const int64_t longest = std::max(max_new, *std::max_element(lengths.begin(), lengths.end()));
    SequenceId id = scheduler.AddGroup(prompt, static_cast<int64_t>(lengths.size()), prompt + longest);
    for (const int64_t length : lengths) left_[id++] = length;
  }

  // Returns false where there was nothing to do.
  bool Step() {
    const StepPlan plan = scheduler.Plan();
    if (plan.sequences.empty()) return false;
    ++steps;
    EXPECT_LE(plan.tokens, limits_.max_step_tokens);
    EXPECT_LE(scheduler.running_sequences(), limits_.max_running_sequences);
    int64_t tokens = 0;
    for (const PlannedSequence& planned : plan.sequences) {
      tokens += planned.count;
      EXPECT_GE(static_cast<int64_t>(planned.pages->size()) * limits_.page_tokens, planned.first + planned.count);
    }
    EXPECT_EQ(tokens, plan.tokens);
    scheduler.Complete(plan);
    for (const PlannedDraw& draw : plan.draws) Draw(draw.id);
    return true;
  }

  void Run() {
    while (Step()) scheduler.CheckInvariants();
    EXPECT_EQ(scheduler.running_sequences() + scheduler.waiting_sequences(), 0);
    EXPECT_EQ(scheduler.pages().used_pages(), 0);
    EXPECT_TRUE(left_.empty());
  }

  void Draw(SequenceId id) {
    max_preemptions = std::max(max_preemptions, scheduler.preemptions(id));
    if (--left_.at(id) > 0) {
      scheduler.Append(id);
      return;
    }
    left_.erase(id);
    scheduler.Remove(id);
  }

  void Cancel(SequenceId id) {
    if (left_.erase(id) == 1) scheduler.Remove(id);
  }

 private:
  const SchedulerLimits limits_;
  std::map<SequenceId, int64_t> left_;

 public:
  Scheduler scheduler;
  int64_t steps = 0;
  int64_t max_preemptions = 0;
};

TEST(SchedulerTest, ComputesAPromptInChunksOfTheBudget) {
  Scheduler scheduler({.max_running_sequences = 4, .max_step_tokens = 40, .num_pages = 10});
  scheduler.AddGroup(/*prompt_tokens=*/100, /*group_size=*/1, /*max_tokens=*/110);
  std::vector<int64_t> firsts, counts, draws;
  for (int step = 0; step < 3; ++step) {
    const StepPlan plan = scheduler.Plan();
    firsts.push_back(plan.sequences.at(0).first);
    counts.push_back(plan.sequences.at(0).count);
    draws.push_back(static_cast<int64_t>(plan.draws.size()));
    scheduler.Complete(plan);
  }
  EXPECT_EQ(firsts, (std::vector<int64_t>{0, 40, 80}));
  EXPECT_EQ(counts, (std::vector<int64_t>{40, 40, 20}));
  EXPECT_EQ(draws, (std::vector<int64_t>{0, 0, 1}));
}

TEST(SchedulerTest, ComputesAPromptOnceAndDrawsForAllSiblings) {
  Scheduler scheduler({.max_running_sequences = 2, .max_step_tokens = 1000, .num_pages = 20});
  const SequenceId first = scheduler.AddGroup(/*prompt_tokens=*/70, /*group_size=*/3, /*max_tokens=*/100);
  const StepPlan prefill = scheduler.Plan();
  ASSERT_EQ(prefill.sequences.size(), 1u);
  EXPECT_EQ(prefill.tokens, 70);
  ASSERT_EQ(prefill.draws.size(), 3u);
  scheduler.Complete(prefill);
  for (const PlannedDraw& draw : prefill.draws) scheduler.Append(draw.id);

  const StepPlan decode = scheduler.Plan();
  ASSERT_EQ(decode.sequences.size(), 2u);  // two slots
  EXPECT_EQ(decode.tokens, 2);
  EXPECT_EQ(decode.sequences[1].first, 70);
  EXPECT_EQ(decode.copy_from.size(), 1u);
  EXPECT_EQ(decode.sequences[0].pages->front(), decode.sequences[1].pages->front());
  EXPECT_NE(decode.sequences[0].pages->back(), decode.sequences[1].pages->back());
  scheduler.Complete(decode);

  // The slot of the first goes to the third, which writes on in the page that the first left.
  scheduler.Append(first + 1);
  scheduler.Remove(first);
  const StepPlan refill = scheduler.Plan();
  ASSERT_EQ(refill.sequences.size(), 2u);
  EXPECT_EQ(refill.sequences[1].id, first + 2);
  EXPECT_TRUE(refill.copy_from.empty());
  scheduler.CheckInvariants();
}

TEST(SchedulerTest, PreemptsTheNewestAndKeepsItsTokens) {
  // Three free pages: two sequences of a page each, and one page more for the older.
  Scheduler scheduler({.max_running_sequences = 4, .max_step_tokens = 1000, .num_pages = 4});
  const SequenceId older = scheduler.AddGroup(64, 1, 190);
  const SequenceId newer = scheduler.AddGroup(63, 1, 190);
  for (int step = 0; step < 2; ++step) {
    const StepPlan plan = scheduler.Plan();
    ASSERT_EQ(plan.sequences.size(), 2u);
    scheduler.Complete(plan);
    for (const PlannedDraw& draw : plan.draws) scheduler.Append(draw.id);
  }
  const StepPlan plan = scheduler.Plan();  // both want a page; the older has two, the newer gets the last
  ASSERT_EQ(plan.sequences.size(), 1u);
  EXPECT_EQ(plan.sequences[0].id, older);
  EXPECT_EQ(scheduler.preemptions(newer), 1);
  EXPECT_EQ(scheduler.waiting_sequences(), 1);
  scheduler.Complete(plan);
  scheduler.Remove(older);
  const StepPlan again = scheduler.Plan();
  ASSERT_EQ(again.sequences.size(), 1u);
  EXPECT_EQ(again.sequences[0].count, 65);  // 63 of the prompt and two sampled ones
  ASSERT_EQ(again.draws.size(), 1u);
  scheduler.CheckInvariants();
}

TEST(SchedulerTest, RecomputesEverythingOnDemand) {
  FakeEngine engine({.max_running_sequences = 8, .max_step_tokens = 64, .num_pages = 100});
  engine.Add(100, {20, 30, 40});
  engine.Add(64, {5, 50});
  for (int step = 0; step < 60 && engine.Step(); ++step) {
    if (step % 7 == 0) {
      engine.scheduler.RecomputeAll();
      EXPECT_EQ(engine.scheduler.pages().used_pages(), 0);
    }
    engine.scheduler.CheckInvariants();
  }
  engine.Run();
  EXPECT_EQ(engine.scheduler.preemptions(), 0);
}

// pages = floor(P / 64) + G * ceil((P mod 64 + T) / 64), copies = G - 1 where the last page is partly filled.
TEST(SchedulerPropertyTest, AGroupTakesThePagesOfTheFormula) {
  for (const int64_t prompt : {1, 63, 64, 65, 127, 128, 1000}) {
    for (const int64_t group_size : {1, 2, 8, 64}) {
      for (const int64_t tokens : {1, 63, 64, 65, 130}) {
        SchedulerLimits limits{.max_running_sequences = 64, .max_step_tokens = 2000, .num_pages = 1000};
        FakeEngine engine(limits);
        engine.Add(prompt, std::vector<int64_t>(group_size, 1000));
        for (int64_t step = 0; step <= tokens; ++step) engine.Step();  // the last T tokens are computed
        const int64_t tail = (prompt % 64 + tokens + 63) / 64;
        EXPECT_EQ(engine.scheduler.pages().used_pages(), prompt / 64 + group_size * tail)
            << prompt << " prompt tokens, " << group_size << " siblings, " << tokens << " tokens";
        EXPECT_EQ(engine.scheduler.copies(), prompt % 64 == 0 ? 0 : group_size - 1);
      }
    }
  }
}

// 64 requests with lengths spread 1:20 on 16 slots.
TEST(SchedulerPropertyTest, RefillsSlotsAtOnce) {
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < 64; ++i) lengths.push_back(20 + (i * 37 % 64) * 380 / 63);  // 20 ... 400, mixed
  FakeEngine engine({.max_running_sequences = 16, .max_step_tokens = 2048, .num_pages = 400});
  for (const int64_t length : lengths) engine.Add(/*prompt=*/30, {length}, /*max_new=*/400);
  engine.Run();

  // Ideal refill: each request takes one of 16 slots for as many steps as it has tokens, and the first free slot is
  // taken at once.
  std::priority_queue<int64_t, std::vector<int64_t>, std::greater<>> slots;
  for (int slot = 0; slot < 16; ++slot) slots.push(0);
  int64_t ideal = 0;
  for (const int64_t length : lengths) {
    const int64_t end = slots.top() + length;
    slots.pop();
    slots.push(end);
    ideal = std::max(ideal, end);
  }
  EXPECT_EQ(*std::min_element(lengths.begin(), lengths.end()) * 20, *std::max_element(lengths.begin(), lengths.end()));
  EXPECT_LE(engine.steps, ideal * 11 / 10);
  EXPECT_GE(engine.steps, ideal);
}

TEST(SchedulerPropertyTest, FinishesAllWithAPoolForOneLongestRequest) {
  std::mt19937 random(3);
  // 1000 prompt tokens and 600 more are 25 pages.
  FakeEngine engine({.max_running_sequences = 32, .max_step_tokens = 512, .num_pages = 26});
  engine.Add(1000, {600});
  for (int i = 0; i < 199; ++i) engine.Add(1 + random() % 300, {static_cast<int64_t>(1 + random() % 600)}, 600);
  engine.Run();
  EXPECT_GT(engine.scheduler.preemptions(), 0);
  EXPECT_LE(engine.max_preemptions, 8);
}

TEST(SchedulerPropertyTest, FinishesGroupsUnderPressure) {
  std::mt19937 random(4);
  FakeEngine engine({.max_running_sequences = 24, .max_step_tokens = 100, .num_pages = 30});
  for (int i = 0; i < 40; ++i) {
    std::vector<int64_t> lengths(1 + random() % 8);
    for (int64_t& length : lengths) length = 1 + random() % 300;
    engine.Add(1 + random() % 400, lengths, 300);
  }
  engine.Run();
  EXPECT_GT(engine.scheduler.preemptions(), 0);
  EXPECT_LE(engine.max_preemptions, 8);
}

// Random arrivals and cancels; budgets are checked in each step, pages every 50 steps.
TEST(SchedulerPropertyTest, KeepsBudgetsAndPagesWithRandomArrivalsAndCancels) {
  std::mt19937 random(5);
  FakeEngine engine({.max_running_sequences = 16, .max_step_tokens = 96, .num_pages = 60});
  SequenceId last = 0;
  for (int step = 0; step < 100000; ++step) {
    if (engine.scheduler.waiting_sequences() < 40 && random() % 8 == 0) {
      std::vector<int64_t> lengths(1 + random() % 4);
      for (int64_t& length : lengths) length = 1 + random() % 100;
      engine.Add(1 + random() % 150, lengths, 100);
      last += static_cast<SequenceId>(lengths.size());
    }
    if (random() % 16 == 0 && last > 0) engine.Cancel(std::max<SequenceId>(0, last - 1 - random() % 60));
    if (random() % 500 == 0) engine.scheduler.RecomputeAll();
    engine.Step();
    if (step % 50 == 0) engine.scheduler.CheckInvariants();
  }
  engine.Run();
}

}  // namespace
}  // namespace plumb
