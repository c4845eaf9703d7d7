#ifndef PLUMB_TESTS_ROLLOUT_TINY_POLICY_H_
#define PLUMB_TESTS_ROLLOUT_TINY_POLICY_H_

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "policy/policy_folder.h"
#include "policy/weights.h"
#include "proto/config.pb.h"
#include "rollout/engine.h"
#include "rollout/generation.h"
#include "rollout/group_collector.h"
#include "tests/testing/test_files.h"
#include "text/text_codec.h"

// A policy small enough to sample from in milliseconds, and requests to it.
namespace plumb::testing {

inline std::string TinyFolder() { return GoldenPath("models/v3_fp32"); }

inline PolicyWeights TinyWeights() {
  // Threads cost more than they bring at this size.
  static const bool one_thread = [] {
    SetTensorThreads(1);
    return true;
  }();
  PLUMB_CHECK(one_thread);
  absl::StatusOr<PolicyWeights> weights = LoadPolicyFolder(TinyFolder(), at::kFloat, at::kCPU);
  PLUMB_CHECK(weights.ok()) << weights.status().ToString();
  return *std::move(weights);
}

// Weights that differ from TinyWeights() in every layer's attention.
inline PolicyWeights OtherWeights() {
  PolicyWeights weights = CloneWeights(TinyWeights());
  for (LayerWeights& layer : weights.layers) layer.o.mul_(-1.5);
  return weights;
}

inline std::unique_ptr<TextCodec> TinyCodec() {
  absl::StatusOr<std::unique_ptr<TextCodec>> codec = TextCodec::Load(TinyFolder());
  PLUMB_CHECK(codec.ok()) << codec.status().ToString();
  return *std::move(codec);
}

inline proto::EngineConfig TinyLimits(int running = 16, int step_tokens = 256, int pages = 200) {
  proto::EngineConfig config;
  config.set_max_running_sequences(running);
  config.set_max_step_tokens(step_tokens);
  config.set_cache_pages(pages);
  config.set_max_waiting_sequences(1000);
  return config;
}

// A prompt of `length` ids that depends on `number`.
inline GroupRequest TinyGroup(int64_t number, int64_t length, int64_t group_size) {
  GroupRequest group;
  group.group_id = absl::StrCat("g", number);
  for (int64_t i = 0; i < length; ++i) group.prompt_ids.push_back(3 + (number * 131 + i * i * 7 + i) % 900);
  group.group_size = group_size;
  group.run_seed = 5;
  group.row_id = absl::StrCat("row-", number);
  return group;
}

// Prompts from 1 to 130 tokens: less than a page, exactly one, and more than two.
inline std::vector<GroupRequest> TinyGroups() {
  return {TinyGroup(0, 1, 3), TinyGroup(1, 64, 2), TinyGroup(2, 130, 3), TinyGroup(3, 65, 1), TinyGroup(4, 20, 4)};
}

// What an engine gives one request.
struct Collected {
  explicit Collected(const std::vector<GroupRequest>& groups) : collector(groups) {}
  RequestSink Sink() {
    return [this](RequestTick tick) {
      for (TokenEvent& event : tick.tokens) {
        PLUMB_CHECK(collector.IsKnown(event.group, event.sample)) << "a token after the end";
        if (event.token.id >= 0) {
          collector.AddToken(event.group, event.sample, event.token.id, event.token.logprob,
                             event.token.sampling_logprob, tick.version->step);
        }
        if (event.finish.has_value()) collector.Finish(event.group, event.sample, *event.finish);
      }
      ends += tick.done ? 1 : 0;
      if (tick.done) status = tick.status;
    };
  }
  GroupCollector collector;
  int ends = 0;
  absl::Status status;
};

inline std::unique_ptr<Engine> TinyEngine(const proto::EngineConfig& limits, const TextCodec* codec = nullptr) {
  absl::StatusOr<std::unique_ptr<Engine>> engine = Engine::Create(TinyWeights(), codec, limits);
  PLUMB_CHECK(engine.ok()) << engine.status().ToString();
  return *std::move(engine);
}

// Submits one request and steps until it is done.
inline std::vector<RolloutGroup> RunTiny(Engine& engine, const std::vector<GroupRequest>& groups,
                                         const SamplingOptions& sampling) {
  Collected collected(groups);
  const absl::StatusOr<RequestId> id = engine.Submit(groups, sampling, collected.Sink());
  PLUMB_CHECK(id.ok()) << id.status().ToString();
  while (collected.ends == 0) PLUMB_CHECK(engine.Step().ok());
  PLUMB_CHECK(collected.status.ok()) << collected.status.ToString();
  return collected.collector.Take();
}

// Ids of every completion, in order.
inline std::vector<std::vector<int64_t>> IdsOf(const std::vector<RolloutGroup>& groups) {
  std::vector<std::vector<int64_t>> ids;
  for (const RolloutGroup& group : groups) {
    for (const Completion& completion : group.completions) ids.push_back(completion.ids);
  }
  return ids;
}

// Kernels that are not exact row by row leave rounding noise in the log-probabilities, and once in some hundred
// thousand tokens a draw falls into it: that completion parts from there on. Expects all tokens up to there to be the
// same, with log-probabilities within 1e-4, and at most one completion to part.
inline void ExpectSameUpToRounding(const std::vector<RolloutGroup>& left, const std::vector<RolloutGroup>& right) {
  ASSERT_EQ(left.size(), right.size());
  int parted = 0;
  for (size_t g = 0; g < left.size(); ++g) {
    ASSERT_EQ(left[g].completions.size(), right[g].completions.size());
    for (size_t s = 0; s < left[g].completions.size(); ++s) {
      const Completion& a = left[g].completions[s];
      const Completion& b = right[g].completions[s];
      size_t same = 0;
      while (same < a.ids.size() && same < b.ids.size() && a.ids[same] == b.ids[same]) {
        EXPECT_NEAR(a.logprobs[same], b.logprobs[same], 1e-4)
            << "group " << g << ", sample " << s << ", token " << same;
        ++same;
      }
      parted += same < std::max(a.ids.size(), b.ids.size()) ? 1 : 0;
    }
  }
  EXPECT_LE(parted, 1);
}

}  // namespace plumb::testing

#endif  // PLUMB_TESTS_ROLLOUT_TINY_POLICY_H_
