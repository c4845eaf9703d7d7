#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "policy/policy.h"
#include "policy/presets.h"
#include "rollout/engine.h"
#include "tests/policy/exactness/each_isa.h"
#include "tests/rollout/tiny_policy.h"
#include "tests/testing/status_matchers.h"

// A completion of the engine has the same bits whatever runs beside it, however its prompt was cut, cached, shared or
// computed again, with one thread or two; and they are the bits of a training forward.
namespace plumb {
namespace {

using testing::Collected;
using testing::ForEachIsa;
using testing::ForEachThreadCount;
using testing::TinyGroup;
using testing::TinyLimits;

// Two splits of the keys but for seven positions: the first chunk of 500 leaves a rest, and the completion goes on into
// another page and another split.
constexpr int64_t kPromptTokens = 505;
constexpr int64_t kNewTokens = 12;
constexpr int64_t kVocabulary = 912;

const SamplingOptions kTempered = {.max_new_tokens = kNewTokens, .temperature = 0.7, .ignore_end_tokens = true};
const SamplingOptions kGreedy = {.max_new_tokens = kNewTokens, .greedy = true, .ignore_end_tokens = true};
const SamplingOptions kCut = {
    .max_new_tokens = kNewTokens, .temperature = 1.3, .top_p = 0.9, .top_k = 50, .ignore_end_tokens = true};

// Softmax or sigmoid scores, the best two of four groups of experts; V3's has a bias in the choice.
PolicyWeights ModelOf(ModelFamily family, at::ScalarType type) {
  absl::StatusOr<Json> json = PresetConfig("tiny-demo", kVocabulary, 0, 1);
  PLUMB_CHECK(json.ok());
  const std::map<std::string, int64_t> changes = {{"hidden_size", 64},
                                                  {"intermediate_size", 96},
                                                  {"moe_intermediate_size", 24},
                                                  {"num_hidden_layers", 2},
                                                  {"q_lora_rank", 32},
                                                  {"kv_lora_rank", 24},
                                                  {"qk_nope_head_dim", 16},
                                                  {"qk_rope_head_dim", 8},
                                                  {"v_head_dim", 16},
                                                  {"max_position_embeddings", 8192},
                                                  {"n_group", 4},
                                                  {"topk_group", 2},
                                                  {"num_experts_per_tok", 3}};
  for (const auto& [key, value] : changes) (*json)[key] = value;
  ModelConfig config = *ParseModelConfig(*json);
  config.initializer_range = 0.25;  // large enough that attention and routing matter
  config.family = family;
  if (family == ModelFamily::kV2) {
    config.gate_score = GateScore::kSoftmax;
    config.gate_selection = GateSelection::kGroupLimitedGreedy;
  }
  PolicyWeights weights = RandomWeights(config, type, at::kCPU, /*seed=*/3);
  LayerWeights& layer = weights.layers.back();
  PLUMB_CHECK(layer.gate.defined() && layer.gate_bias.defined() == (family == ModelFamily::kV3));
  if (layer.gate_bias.defined()) layer.gate_bias.copy_(at::linspace(-0.3, 0.3, 8));
  return weights;
}

template <typename T>
std::string Bytes(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

// Every bit of it.
std::string Bits(const Completion& completion) {
  return Bytes(completion.ids) + Bytes(completion.logprobs) + Bytes(completion.sampling_logprobs);
}

// Short prompts with a token or more of a completion each.
std::vector<GroupRequest> Neighbours(int64_t count, int64_t first_number) {
  std::vector<GroupRequest> groups;
  for (int64_t i = 0; i < count; ++i) groups.push_back(TinyGroup(first_number + i, 1 + (first_number + i) * 7 % 23, 1));
  return groups;
}

// What an engine makes of a probe, and what it took.
struct Found {
  std::string bits;
  Completion completion;
  EngineCounters counters;
};

// What a probe has to be, in one setting.
struct Cases {
  const SamplingOptions& Next() { return count++ % 2 == 0 ? kGreedy : kTempered; }
  // Of the last that Next() gave.
  const std::string& Expected() const { return alone.at(count % 2 == 1); }
  std::map<bool, std::string> alone;  // by whether it is greedy
  int count = 0;
};

class EngineExactnessPropertyTest : public ::testing::TestWithParam<std::pair<ModelFamily, at::ScalarType>> {
 protected:
  EngineExactnessPropertyTest()
      : weights_(ModelOf(GetParam().first, GetParam().second)), probe_(TinyGroup(1000, kPromptTokens, 1)) {}

  std::unique_ptr<Engine> MakeEngine(const proto::EngineConfig& limits) const {
    absl::StatusOr<std::unique_ptr<Engine>> engine = Engine::Create(weights_, nullptr, limits);
    PLUMB_CHECK(engine.ok()) << engine.status().ToString();
    return *std::move(engine);
  }

  // The first sample of the probe between older and newer requests; the older ones go on for `older_tokens`.
  Found Between(const std::vector<GroupRequest>& older, int64_t older_tokens, const std::vector<GroupRequest>& newer,
                const SamplingOptions& sampling, const proto::EngineConfig& limits) const {
    const std::unique_ptr<Engine> engine = MakeEngine(limits);
    Collected older_ones(older), found({probe_}), newer_ones(newer);
    SamplingOptions others = kGreedy;
    others.max_new_tokens = older_tokens;
    if (!older.empty()) PLUMB_CHECK(engine->Submit(older, others, older_ones.Sink()).ok());
    PLUMB_CHECK(engine->Submit({probe_}, sampling, found.Sink()).ok());
    if (!newer.empty()) PLUMB_CHECK(engine->Submit(newer, kCut, newer_ones.Sink()).ok());
    while (found.ends == 0) PLUMB_CHECK(engine->Step().ok());
    const EngineCounters counters = engine->counters();
    engine->EndAll(absl::CancelledError("the probe is done"));
    const Completion completion = found.collector.Take()[0].completions[0];
    EXPECT_EQ(completion.ids.size(), sampling.max_new_tokens);
    return {Bits(completion), completion, counters};
  }

  Found Alone(const SamplingOptions& sampling, const proto::EngineConfig& limits = TinyLimits(1, 2048)) const {
    return Between({}, 0, {}, sampling, limits);
  }

  // Runs `body` for each class and number of threads. `cases` expects the probe's bits when it is alone, with one
  // thread, and gives out greedy and tempered sampling by turns.
  void ForEachSetting(const std::function<void(Cases& cases)>& body) const {
    ForEachIsa([&](cpu::Isa) {
      at::set_num_threads(1);
      Cases cases;
      for (const bool greedy : {true, false}) cases.alone[greedy] = Alone(greedy ? kGreedy : kTempered).bits;
      ForEachThreadCount([&](int) { body(cases); });
    });
  }

  PolicyWeights weights_;
  GroupRequest probe_;
};

TEST_P(EngineExactnessPropertyTest, WhatRunsBesideItChangesNoBit) {
  ForEachSetting([&](Cases& cases) {
    for (const int64_t size : {1, 2, 3, 7, 16, 17, 64, 128}) {
      const std::set<int64_t> rows = {0, size / 3, size - 1};
      for (const int64_t row : size > 17 ? std::set<int64_t>{size / 2} : rows) {
        const Found found = Between(Neighbours(row, 0), kNewTokens, Neighbours(size - 1 - row, row), cases.Next(),
                                    TinyLimits(128, 4096));
        EXPECT_EQ(found.bits, cases.Expected()) << "row " << row << " of " << size;
        EXPECT_EQ(found.counters.steps, kNewTokens);  // all of it side by side
      }
    }
  });
}

// Siblings with greedy sampling are one completion, so that each row of a batch can be looked at in one run.
TEST_P(EngineExactnessPropertyTest, NoRowOfABatchHasOtherBits) {
  ForEachSetting([&](Cases& cases) {
    for (const int64_t size : {2, 3, 7, 16, 17, 64, 128}) {
      GroupRequest group = probe_;
      group.group_size = size;
      const std::unique_ptr<Engine> engine = MakeEngine(TinyLimits(128, 4096, 400));
      const std::vector<Completion> found = testing::RunTiny(*engine, {group}, kGreedy)[0].completions;
      EXPECT_EQ(engine->counters().steps, kNewTokens);
      for (int64_t row = 0; row < size; ++row) {
        EXPECT_EQ(Bits(found[row]), cases.alone.at(true)) << "row " << row << " of " << size;
      }
    }
  });
}

TEST_P(EngineExactnessPropertyTest, ChunksOfThePromptChangeNoBit) {
  ForEachSetting([&](Cases& cases) {
    for (const int chunk : {1, 7, 64, 500, 505}) {
      const Found found = Alone(cases.Next(), TinyLimits(1, chunk));
      EXPECT_EQ(found.bits, cases.Expected()) << "chunks of " << chunk;
      EXPECT_EQ(found.counters.steps, (kPromptTokens + chunk - 1) / chunk + kNewTokens - 1);
    }
    // The older ones take a token each of every step, so that no chunk ends where a page does.
    for (const int budget : {7, 64, 500}) {
      const Found found = Between(Neighbours(3, 40), 150, {}, cases.Next(), TinyLimits(4, budget));
      EXPECT_EQ(found.bits, cases.Expected()) << "a budget of " << budget << " tokens, shared with three";
    }
  });
}

// The first sibling computes the prompt; the others start from its kept pages, two at a time.
TEST_P(EngineExactnessPropertyTest, AKeptPromptChangesNoBit) {
  ForEachSetting([&](Cases&) {
    for (const int64_t length : {1, 64, 505, 511, 512}) {
      GroupRequest group = TinyGroup(2000, length, 4);
      const std::unique_ptr<Engine> engine = MakeEngine(TinyLimits(2, 4096));
      const std::vector<Completion> shared = testing::RunTiny(*engine, {group}, kTempered)[0].completions;
      EXPECT_EQ(engine->counters().computed_tokens, length + 4 * (kNewTokens - 1));
      group.group_size = 1;
      for (group.first_sample_index = 0; group.first_sample_index < 4; ++group.first_sample_index) {
        const std::vector<RolloutGroup> alone = testing::RunTiny(*engine, {group}, kTempered);
        EXPECT_EQ(Bits(shared[group.first_sample_index]), Bits(alone[0].completions[0]))
            << "sample " << group.first_sample_index << " of a prompt of " << length;
      }
    }
  });
}

// The same for prompts of many splits, against a prefill in chunks.
TEST_P(EngineExactnessPropertyTest, ALongKeptPromptChangesNoBit) {
  for (const int64_t length : {2048, 4097}) {
    GroupRequest group = TinyGroup(3000, length, 3);
    at::set_num_threads(2);
    const std::unique_ptr<Engine> whole = MakeEngine(TinyLimits(2, 4200));
    const std::vector<Completion> shared = testing::RunTiny(*whole, {group}, kTempered)[0].completions;
    EXPECT_EQ(whole->counters().computed_tokens, length + 3 * (kNewTokens - 1));
    at::set_num_threads(1);
    const std::unique_ptr<Engine> chunked = MakeEngine(TinyLimits(1, 500));
    group.first_sample_index = 2;
    group.group_size = 1;
    EXPECT_EQ(Bits(testing::RunTiny(*chunked, {group}, kTempered)[0].completions[0]), Bits(shared[2])) << length;
  }
}

// Older sequences grow into the pages of the probe, which is computed again when they are done.
TEST_P(EngineExactnessPropertyTest, PreemptionChangesNoBit) {
  ForEachSetting([&](Cases& cases) {
    for (const int64_t length : {55, 58, 61, 63}) {  // they take their second page after 10, 7, 4, 2 tokens
      for (const int budget : {64, 4096}) {
        const std::vector<GroupRequest> older = {TinyGroup(1, length, 1), TinyGroup(2, length, 1)};
        const Found found = Between(older, 30, {}, cases.Next(), TinyLimits(8, budget, /*pages=*/11));
        EXPECT_EQ(found.bits, cases.Expected()) << "older prompts of " << length << ", budget " << budget;
        EXPECT_GE(found.counters.preemptions, 1) << length << " " << budget;
        // The probe was computed more than once.
        EXPECT_GT(found.counters.computed_tokens, kPromptTokens + kNewTokens - 1 + 2 * (length + 29));
      }
    }
  });
}

TEST_P(EngineExactnessPropertyTest, TheSameWeightsOnceMoreChangeNoBit) {
  ForEachSetting([&](Cases& cases) {
    const std::unique_ptr<Engine> engine = MakeEngine(TinyLimits(4, 300));
    Collected found({probe_});
    ASSERT_OK(engine->Submit({probe_}, cases.Next(), found.Sink()));
    for (const int steps : {1, 4, 5}) {  // in the prompt, and twice in the completion
      for (int step = 0; step < steps; ++step) ASSERT_OK(engine->Step());
      engine->ReplaceWeights(weights_, {"run", 1, 2});
    }
    while (found.ends == 0) ASSERT_OK(engine->Step());
    EXPECT_EQ(Bits(found.collector.Take()[0].completions[0]), cases.Expected());
  });
}

// Log-probabilities of a completion from a forward with gradients, packed among other sequences.
std::vector<float> TrainingLogprobs(const PolicyWeights& weights, const std::vector<int64_t>& prompt,
                                    const Completion& completion, double temperature, bool packed) {
  std::vector<int64_t> ids = prompt;
  ids.insert(ids.end(), completion.ids.begin(), completion.ids.end());
  std::vector<std::vector<int64_t>> sequences = {ids};
  if (packed) sequences = {TinyGroup(3, 70, 1).prompt_ids, ids, TinyGroup(4, 301, 1).prompt_ids};
  const PackedTokens tokens = PackSequences(sequences);
  const int64_t first = tokens.starts[packed ? 1 : 0] + static_cast<int64_t>(prompt.size()) - 1;
  const at::Tensor hidden = Forward(weights, tokens, KvView::Own(), {}).narrow(0, first, kNewTokens);
  PLUMB_CHECK(hidden.requires_grad());
  const at::Tensor scores =
      ScoreTokens(weights, hidden, at::tensor(completion.ids, at::kLong), temperature).logprobs.detach().contiguous();
  return std::vector<float>(scores.const_data_ptr<float>(), scores.const_data_ptr<float>() + kNewTokens);
}

TEST_P(EngineExactnessPropertyTest, TrainingHasTheBitsOfTheEngine) {
  PolicyWeights trained = CloneWeights(weights_);
  for (const NamedBuffer& buffer : Buffers(trained)) buffer.tensor->set_requires_grad(buffer.trainable);
  ForEachSetting([&](Cases& cases) {
    for (int i = 0; i < 2; ++i) {
      const SamplingOptions& sampling = cases.Next();
      // In chunks, beside others.
      const Completion found =
          Between(Neighbours(5, 0), 60, Neighbours(9, 5), sampling, TinyLimits(16, 100)).completion;
      for (const bool packed : {false, true}) {
        EXPECT_EQ(Bytes(found.logprobs), Bytes(TrainingLogprobs(trained, probe_.prompt_ids, found, 1.0, packed)));
        if (sampling.greedy) continue;
        EXPECT_EQ(Bytes(found.sampling_logprobs),
                  Bytes(TrainingLogprobs(trained, probe_.prompt_ids, found, sampling.temperature, packed)));
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Models, EngineExactnessPropertyTest,
                         ::testing::Values(std::pair(ModelFamily::kV2, at::kFloat),
                                           std::pair(ModelFamily::kV2, at::kBFloat16),
                                           std::pair(ModelFamily::kV3, at::kFloat),
                                           std::pair(ModelFamily::kV3, at::kBFloat16)));

}  // namespace
}  // namespace plumb
