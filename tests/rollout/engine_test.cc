#include "rollout/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <queue>

#include "policy/policy.h"
#include "tests/rollout/tiny_policy.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::testing::AllOf;
using testing::Collected;
using ::testing::HasSubstr;
using testing::IdsOf;
using testing::RunTiny;
using testing::StatusIs;
using testing::TinyEngine;
using testing::TinyGroup;
using testing::TinyGroups;
using testing::TinyLimits;

const SamplingOptions kSampling = {.max_new_tokens = 40, .ignore_end_tokens = true};

TEST(EngineTest, FinishesEverySequenceAndGivesBackEveryPage) {
  const std::unique_ptr<Engine> engine = TinyEngine(TinyLimits());
  const std::vector<RolloutGroup> groups = RunTiny(*engine, TinyGroups(), kSampling);
  ASSERT_EQ(groups.size(), 5u);
  for (const RolloutGroup& group : groups) {
    for (const Completion& completion : group.completions) {
      EXPECT_EQ(completion.ids.size(), 40u);
      EXPECT_EQ(completion.logprobs.size(), 40u);
      EXPECT_EQ(completion.finish_reason, FinishReason::kLength);
    }
  }
  EXPECT_TRUE(engine->idle());
  EXPECT_EQ(engine->counters().free_pages, 199);
  EXPECT_EQ(engine->counters().generated_tokens, 13 * 40);
  // Prompts are computed once, and the last token of a completion not at all.
  EXPECT_EQ(engine->counters().computed_tokens, 1 + 64 + 130 + 65 + 20 + 13 * 39);
}

TEST(EngineTest, SiblingsDifferAndKeysRepeat) {
  const std::unique_ptr<Engine> engine = TinyEngine(TinyLimits());
  const std::vector<std::vector<int64_t>> first = IdsOf(RunTiny(*engine, {TinyGroup(0, 9, 4)}, kSampling));
  EXPECT_NE(first[0], first[1]);
  EXPECT_EQ(IdsOf(RunTiny(*engine, {TinyGroup(0, 9, 4)}, kSampling)), first);
  GroupRequest again = TinyGroup(0, 9, 4);
  again.visit = 1;
  EXPECT_NE(IdsOf(RunTiny(*engine, {again}, kSampling)), first);
  // A part of a group asked for again.
  GroupRequest part = TinyGroup(0, 9, 2);
  part.first_sample_index = 2;
  EXPECT_EQ(IdsOf(RunTiny(*engine, {part}, kSampling)), (std::vector<std::vector<int64_t>>{first[2], first[3]}));
}

TEST(EngineTest, CutsTextsAtStopStringsAndEndTokens) {
  const std::unique_ptr<TextCodec> codec = testing::TinyCodec();
  const std::unique_ptr<Engine> engine = TinyEngine(TinyLimits(), codec.get());
  const Completion whole = RunTiny(*engine, {TinyGroup(0, 9, 1)}, kSampling)[0].completions[0];
  ASSERT_GT(whole.text.size(), 20u);
  for (const int64_t id : whole.ids) EXPECT_LT(id, codec->tokenizer().size());
  // An ASCII piece of the text, wherever its tokens begin and end.
  size_t begin = 10;
  while (begin + 3 < whole.text.size() && (whole.text[begin] | whole.text[begin + 1] | whole.text[begin + 2]) & 0x80) {
    ++begin;
  }
  const std::string stop = whole.text.substr(begin, 3);
  SamplingOptions sampling = kSampling;
  sampling.stop_strings = {stop};
  const Completion cut = RunTiny(*engine, {TinyGroup(0, 9, 1)}, sampling)[0].completions[0];
  EXPECT_EQ(cut.finish_reason, FinishReason::kStop);
  EXPECT_EQ(cut.stop, stop);
  EXPECT_EQ(cut.text, whole.text.substr(0, whole.text.find(stop)));
  EXPECT_LT(cut.ids.size(), whole.ids.size());

  sampling.stop_strings.clear();
  sampling.stop_ids = {whole.ids[5]};
  const Completion ended = RunTiny(*engine, {TinyGroup(0, 9, 1)}, sampling)[0].completions[0];
  EXPECT_EQ(ended.finish_reason, FinishReason::kStop);
  EXPECT_EQ(ended.ids.back(), whole.ids[5]);
}

TEST(EngineTest, CancelGivesBackPagesAtOnceAndEndsOnce) {
  const std::unique_ptr<Engine> engine = TinyEngine(TinyLimits(/*running=*/4));
  for (int steps = 0; steps < 8; ++steps) {
    const std::vector<GroupRequest> groups = TinyGroups();
    Collected collected(groups);
    ASSERT_OK_AND_ASSIGN(const RequestId id, engine->Submit(groups, kSampling, collected.Sink()));
    for (int step = 0; step < steps * 3; ++step) ASSERT_OK(engine->Step());
    EXPECT_EQ(engine->Cancel(id, /*group=*/1), 2);
    EXPECT_EQ(collected.ends, 0);
    EXPECT_EQ(engine->Cancel(id), 11);
    EXPECT_EQ(collected.ends, 1);
    EXPECT_EQ(engine->counters().free_pages, 199);
    EXPECT_TRUE(engine->idle());
    EXPECT_EQ(engine->Cancel(id), 0);
  }
}

TEST(EngineTest, NewWeightsRecomputeWhatRuns) {
  const std::unique_ptr<Engine> engine = TinyEngine(TinyLimits());
  const SamplingOptions greedy = {.max_new_tokens = 20, .greedy = true, .ignore_end_tokens = true};
  const std::vector<GroupRequest> groups = {TinyGroup(0, 70, 1)};
  Collected collected(groups);
  ASSERT_OK(engine->Submit(groups, greedy, collected.Sink()));
  for (int step = 0; step < 8; ++step) ASSERT_OK(engine->Step());
  engine->ReplaceWeights(testing::OtherWeights(), {"run", 7, 0});
  while (collected.ends == 0) ASSERT_OK(engine->Step());
  const Completion changed = collected.collector.Take()[0].completions[0];
  EXPECT_EQ(changed.weight_steps[7], 0u);
  EXPECT_EQ(changed.weight_steps[8], 7u);

  // What comes after equals what the new weights alone make of prompt and first tokens.
  GroupRequest rest = groups[0];
  rest.prompt_ids.insert(rest.prompt_ids.end(), changed.ids.begin(), changed.ids.begin() + 8);
  const SamplingOptions last = {.max_new_tokens = 12, .greedy = true, .ignore_end_tokens = true};
  const Completion alone = RunTiny(*engine, {rest}, last)[0].completions[0];
  EXPECT_EQ(std::vector<int64_t>(changed.ids.begin() + 8, changed.ids.end()), alone.ids);
}

TEST(EngineTest, NewWeightsEndTheRequestsThatRequiredOthers) {
  const std::unique_ptr<Engine> engine = TinyEngine(TinyLimits());
  engine->ReplaceWeights(testing::TinyWeights(), {"run", 6, 1});
  const std::vector<GroupRequest> strict_groups = {TinyGroup(0, 70, 2)};
  const std::vector<GroupRequest> free_groups = {TinyGroup(1, 9, 1)};
  Collected strict(strict_groups);
  Collected free(free_groups);
  const WeightVersion served = {"run", 6, 1};
  ASSERT_OK(engine->Submit(strict_groups, kSampling, strict.Sink(), served));
  ASSERT_OK(engine->Submit(free_groups, kSampling, free.Sink()));
  for (int step = 0; step < 4; ++step) ASSERT_OK(engine->Step());
  engine->ReplaceWeights(testing::TinyWeights(), served);  // the same again ends nothing
  EXPECT_EQ(strict.ends, 0);

  // The same step of another run.
  engine->ReplaceWeights(testing::OtherWeights(), {"other", 6, 2});
  EXPECT_EQ(strict.ends, 1);
  EXPECT_THAT(strict.status, StatusIs(absl::StatusCode::kFailedPrecondition,
                                      AllOf(HasSubstr("requires weights of step 6 of run 'run'"),
                                            HasSubstr("served now: step 6 of run 'other'"))));
  EXPECT_EQ(free.ends, 0);
  while (free.ends == 0) ASSERT_OK(engine->Step());
  EXPECT_OK(free.status);
  EXPECT_TRUE(engine->idle());
  EXPECT_THAT(engine->Submit(strict_groups, kSampling, strict.Sink(), served),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("requires weights")));
}

TEST(EngineFaultTest, ARequestThatMeetsNonFiniteNumbersFailsAlone) {
  PolicyWeights weights = CloneWeights(testing::TinyWeights());
  weights.embed[2].fill_(std::numeric_limits<float>::quiet_NaN());  // no other prompt has it
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Engine> engine, Engine::Create(std::move(weights), nullptr, TinyLimits()));
  const std::vector<GroupRequest> good = {TinyGroup(0, 9, 2)};
  std::vector<GroupRequest> bad = {TinyGroup(1, 9, 2)};
  bad[0].prompt_ids[4] = 2;
  const SamplingOptions sampling = {.max_new_tokens = 10, .stop_ids = {2}, .ignore_end_tokens = true};
  Collected good_one(good), bad_one(bad);
  ASSERT_OK(engine->Submit(good, sampling, good_one.Sink()));
  ASSERT_OK(engine->Submit(bad, sampling, bad_one.Sink()));
  while (!engine->idle()) ASSERT_OK(engine->Step());
  EXPECT_OK(good_one.status);
  EXPECT_EQ(good_one.collector.num_finished(), 2);
  EXPECT_EQ(bad_one.ends, 1);
  EXPECT_THAT(bad_one.status, StatusIs(absl::StatusCode::kInternal, HasSubstr("the embeddings")));
  EXPECT_EQ(engine->counters().free_pages, 199);
}

TEST(EngineFaultTest, RefusesBadRequestsWithTheFieldsPath) {
  const std::unique_ptr<Engine> engine = TinyEngine(TinyLimits());
  const auto check = [&](const std::function<void(GroupRequest&, SamplingOptions&)>& change) {
    std::vector<GroupRequest> groups = {TinyGroup(0, 5, 1), TinyGroup(1, 5, 1)};
    SamplingOptions sampling = {.max_new_tokens = 10};
    change(groups[1], sampling);
    return engine->Check(groups, sampling);
  };
  const auto refuses = [&](const std::string& text) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(text));
  };
  EXPECT_OK(check([](auto&, auto&) {}));
  EXPECT_THAT(check([](auto& group, auto&) { group.prompt_ids.clear(); }), refuses("groups[1].prompt_ids"));
  EXPECT_THAT(check([](auto& group, auto&) { group.prompt_ids[3] = 1024; }), refuses("groups[1].prompt_ids[3]"));
  EXPECT_THAT(check([](auto& group, auto&) { group.group_size = 0; }), refuses("groups[1].group_size"));
  EXPECT_THAT(check([](auto&, auto& s) { s.max_new_tokens = 3000; }), refuses("max_new_tokens 3000"));
  EXPECT_THAT(check([](auto&, auto& s) { s.max_new_tokens = 0; }), refuses("sampling.max_new_tokens"));
  EXPECT_THAT(check([](auto&, auto& s) { s.temperature = 0; }), refuses("sampling.temperature"));
  EXPECT_THAT(check([](auto&, auto& s) { s.top_p = 1.5; }), refuses("sampling.top_p"));
  EXPECT_THAT(check([](auto&, auto& s) { s.top_k = -1; }), refuses("sampling.top_k"));
  EXPECT_THAT(check([](auto&, auto& s) { s.stop_strings = {"x"}; }), refuses("sampling.stop_strings"));
  EXPECT_THAT(check([](auto& group, auto&) { group.group_size = 1000; }),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("at most 1000 may wait")));
}

// The same tokens whatever runs beside them, whatever the budgets, with and without preemption.
TEST(EnginePropertyTest, TokensDoNotDependOnTheBatch) {
  const SamplingOptions sampling = {.max_new_tokens = 60, .temperature = 0.8, .ignore_end_tokens = true};
  const std::vector<GroupRequest> groups = TinyGroups();
  const std::unique_ptr<Engine> roomy = TinyEngine(TinyLimits());
  const std::vector<RolloutGroup> expected = RunTiny(*roomy, groups, sampling);
  EXPECT_EQ(roomy->counters().preemptions, 0);

  std::vector<RolloutGroup> alone;
  for (const GroupRequest& group : groups) alone.push_back(RunTiny(*roomy, {group}, sampling)[0]);
  testing::ExpectSameUpToRounding(alone, expected);

  const std::unique_ptr<Engine> narrow = TinyEngine(TinyLimits(/*running=*/3, /*step_tokens=*/7));
  const std::vector<RolloutGroup> chunked = RunTiny(*narrow, groups, sampling);
  testing::ExpectSameUpToRounding(chunked, expected);

  // Four pages are what the longest request needs.
  const std::unique_ptr<Engine> tight = TinyEngine(TinyLimits(/*running=*/16, /*step_tokens=*/256, /*pages=*/5));
  const std::vector<RolloutGroup> preempted = RunTiny(*tight, groups, sampling);
  EXPECT_GT(tight->counters().preemptions, 0);
  testing::ExpectSameUpToRounding(preempted, expected);
}

TEST(EnginePropertyTest, LogprobsEqualThoseOfAForwardOverTheWholeSequence) {
  const std::vector<GroupRequest> groups = TinyGroups();
  const std::unique_ptr<Engine> engine = TinyEngine(TinyLimits());
  const std::vector<RolloutGroup> rollouts = RunTiny(*engine, groups, kSampling);
  double largest = 0;
  for (size_t g = 0; g < groups.size(); ++g) {
    for (const Completion& completion : rollouts[g].completions) {
      std::vector<int64_t> ids = groups[g].prompt_ids;
      const int64_t prompt = static_cast<int64_t>(ids.size());
      ids.insert(ids.end(), completion.ids.begin(), completion.ids.end());
      const at::Tensor hidden = Forward(engine->weights(), PackSequences({ids}), KvView::Own(), ForwardContext());
      const at::Tensor targets = at::tensor(completion.ids, at::kLong);
      const TokenScores scores =
          ScoreTokens(engine->weights(), hidden.narrow(0, prompt - 1, targets.size(0)), targets, 1.0);
      largest = std::max(largest, (scores.logprobs - at::tensor(completion.logprobs)).abs().max().item<double>());
    }
  }
  EXPECT_LT(largest, 1e-4);
}

// 64 requests with lengths spread 1:20 on 16 slots, against refilling each slot the moment it is free.
TEST(EnginePropertyTest, RefillsSlotsAtOnce) {
  const std::unique_ptr<Engine> engine = TinyEngine(TinyLimits(/*running=*/16, /*step_tokens=*/256, /*pages=*/200));
  std::vector<std::unique_ptr<Collected>> collected;
  std::priority_queue<int64_t, std::vector<int64_t>, std::greater<>> slots;
  for (int slot = 0; slot < 16; ++slot) slots.push(0);
  int64_t ideal = 0;
  for (int64_t i = 0; i < 64; ++i) {
    const int64_t length = 5 + (i * 37 % 64) * 95 / 63;  // 5 ... 100
    const int64_t end = slots.top() + length;
    slots.pop();
    slots.push(end);
    ideal = std::max(ideal, end);
    const std::vector<GroupRequest> groups = {TinyGroup(i, 6, 1)};
    collected.push_back(std::make_unique<Collected>(groups));
    ASSERT_OK(engine->Submit(groups, {.max_new_tokens = length, .ignore_end_tokens = true}, collected.back()->Sink()));
  }
  while (!engine->idle()) ASSERT_OK(engine->Step());
  EXPECT_LE(engine->counters().steps * 10, ideal * 11);
}

}  // namespace
}  // namespace plumb
