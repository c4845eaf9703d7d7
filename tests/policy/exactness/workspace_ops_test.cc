#include "policy/workspace_ops.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <functional>

#include "policy/policy.h"
#include "tests/policy/exactness/each_isa.h"
#include "tests/policy/exactness/row_exactness.h"
#include "tests/policy/golden_model.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using testing::ForEachIsa;
using testing::ForEachThreadCount;
using testing::SameBits;
using testing::SomeIds;

struct Variant {
  std::string name;
  std::function<void(ModelConfig&)> change;
};

// What an architecture may have or lack, one at a time, beside the small V3 model.
std::vector<Variant> Variants() {
  return {{"v3", [](ModelConfig&) {}},
          {"v2",
           [](ModelConfig& config) {
             config.family = ModelFamily::kV2;
             config.gate_score = GateScore::kSoftmax;
             config.gate_selection = GateSelection::kGreedy;
             config.norm_topk_prob = false;
             config.routed_scaling_factor = 1.7;
           }},
          {"groups",
           [](ModelConfig& config) {
             config.num_groups = 4;
             config.groups_per_token = 2;
             config.routed_scaling_factor = 2.5;
           }},
          {"query latents", [](ModelConfig& config) { config.q_lora_rank = 48; }},
          {"no query latents", [](ModelConfig& config) { config.q_lora_rank = 0; }},
          {"biases", [](ModelConfig& config) { config.attention_bias = true; }},
          {"no shared experts", [](ModelConfig& config) { config.num_shared_experts = 0; }},
          {"two shared experts", [](ModelConfig& config) { config.num_shared_experts = 2; }},
          {"dense layers", [](ModelConfig& config) { config.first_dense_layers = config.num_layers; }},
          {"halves of pairs", [](ModelConfig& config) { config.rope.interleaved = false; }},
          {"odd widths", [](ModelConfig& config) {
             config.kv_lora_rank = 37;
             config.moe_intermediate_size = 51;
             config.v_head_dim = 19;
             config.qk_nope_head_dim = 21;
           }}};
}

PolicyWeights WeightsOf(const Variant& variant, at::ScalarType type) {
  ModelConfig config = testing::SmallWeights().config;
  variant.change(config);
  PolicyWeights weights = RandomWeights(config, type, at::kCPU, /*seed=*/3);
  // Biases and the router's are zero at random; norms are 1.
  for (const NamedBuffer& buffer : Buffers(weights)) {
    if (buffer.tensor->dim() == 1) buffer.tensor->add_(at::randn(buffer.tensor->sizes()).mul_(0.1));
  }
  return weights;
}

// Gradients that are recorded choose the tensors' way.
at::Tensor OverTensors(const PolicyWeights& weights, const PackedTokens& tokens, const KvView& view) {
  const at::AutoGradMode recording(true);
  EXPECT_FALSE(WorkspaceTakes(weights));
  return Forward(weights, tokens, view, {});
}

at::Tensor OverWorkspace(const PolicyWeights& weights, const PackedTokens& tokens, const KvView& view,
                         Workspace* workspace = nullptr) {
  const at::NoGradGuard no_grad;
  EXPECT_TRUE(WorkspaceTakes(weights));
  ForwardContext context;
  context.workspace = workspace;
  return Forward(weights, tokens, view, context);
}

class WorkspaceOpsConformanceTest : public ::testing::TestWithParam<at::ScalarType> {
 protected:
  template <typename Body>
  static void ForEachVariant(const Body& body) {
    for (const Variant& variant : Variants()) {
      SCOPED_TRACE(variant.name);
      const PolicyWeights weights = WeightsOf(variant, GetParam());
      ForEachIsa([&](cpu::Isa) { ForEachThreadCount([&](int) { body(weights); }); });
    }
  }
};

TEST_P(WorkspaceOpsConformanceTest, WholeSequencesHaveTheBitsOfTensors) {
  ForEachVariant([](const PolicyWeights& weights) {
    const int64_t vocabulary = weights.config.vocab_size;
    for (const std::vector<int64_t>& lengths : std::vector<std::vector<int64_t>>{{1}, {70, 3, 129}, {2, 1, 1, 5}}) {
      std::vector<std::vector<int64_t>> sequences;
      for (const int64_t length : lengths) sequences.push_back(SomeIds(length, vocabulary, length));
      const PackedTokens tokens = PackSequences(sequences);
      EXPECT_TRUE(SameBits(OverWorkspace(weights, tokens, KvView::Own()), OverTensors(weights, tokens, KvView::Own())))
          << lengths.size() << " sequences";
    }
  });
}

LatentCache MakeCache(const PolicyWeights& weights) {
  const KvLayout layout = {weights.config.num_layers, weights.config.LatentWidth(), weights.embed.scalar_type()};
  absl::StatusOr<LatentCache> cache = LatentCache::Create(layout, /*num_pages=*/12, at::kCPU);
  EXPECT_THAT(cache, testing::IsOk());
  return *std::move(cache);
}

// One token of each of three sequences that share their first page; a fourth is at its start.
PackedTokens DecodeStep(int64_t position, int64_t vocabulary) {
  PackedTokens tokens;
  tokens.ids = at::tensor(SomeIds(5, vocabulary, position), at::kLong);
  tokens.positions = at::tensor({position, position, position, int64_t{0}, int64_t{1}}, at::kLong);
  tokens.starts = {0, 1, 2, 3, 5};
  return tokens;
}

// A shared prompt, then steps; the same in two caches, the one over tensors and the other over one workspace.
TEST_P(WorkspaceOpsConformanceTest, DecodeStepsHaveTheBitsOfTensorsAndWriteTheSamePages) {
  ForEachVariant([](const PolicyWeights& weights) {
    LatentCache left = MakeCache(weights);
    LatentCache right = MakeCache(weights);
    Workspace workspace(weights.config);
    const std::vector<int64_t> prompt = SomeIds(64, weights.config.vocab_size, 9);
    const auto same = [&](const PackedTokens& tokens, const std::vector<std::vector<int32_t>>& pages) {
      EXPECT_TRUE(SameBits(OverTensors(weights, tokens, {&left, pages}),
                           OverWorkspace(weights, tokens, {&right, pages}, &workspace)));
      for (int64_t layer = 0; layer < weights.config.num_layers; ++layer) {
        for (const std::vector<int32_t>& list : pages) {
          for (const int32_t page : list) EXPECT_TRUE(SameBits(left.layer(layer)[page], right.layer(layer)[page]));
        }
      }
    };
    same(PackSequences({prompt}), {{1}});
    for (int64_t position = 64; position < 67; ++position) {
      same(DecodeStep(position, weights.config.vocab_size), {{1, 2}, {1, 3}, {1, 4}, {5}});
    }
  });
}

// One long sequence alone is cut into splits, which threads work and merge.
TEST_P(WorkspaceOpsConformanceTest, SplitsOfALongContextHaveTheBitsOfTensors) {
  const PolicyWeights weights = WeightsOf(Variants()[0], GetParam());
  ForEachIsa([&](cpu::Isa) {
    ForEachThreadCount([&](int) {
      LatentCache left = MakeCache(weights);
      LatentCache right = MakeCache(weights);
      const std::vector<std::vector<int32_t>> pages = {{4, 2, 9, 7, 1, 3, 8, 5, 6, 10}};
      const PackedTokens prompt = PackSequences({SomeIds(600, weights.config.vocab_size, 4)});
      EXPECT_TRUE(
          SameBits(OverTensors(weights, prompt, {&left, pages}), OverWorkspace(weights, prompt, {&right, pages})));
      PackedTokens step = PackSequences({SomeIds(1, weights.config.vocab_size, 4)});
      step.positions = at::tensor({int64_t{600}}, at::kLong);
      EXPECT_TRUE(SameBits(OverTensors(weights, step, {&left, pages}), OverWorkspace(weights, step, {&right, pages})));
    });
  });
}

TEST_P(WorkspaceOpsConformanceTest, LogitsOfRowsAreThoseOfTheForward) {
  const at::NoGradGuard no_grad;
  const PolicyWeights weights = WeightsOf(Variants()[1], GetParam());
  const PackedTokens tokens = PackSequences({SomeIds(7, 90, 1), SomeIds(5, 90, 2)});
  const at::Tensor picked =
      Forward(weights, tokens, KvView::Own(), {}).index_select(0, at::tensor({int64_t{6}, int64_t{11}}));
  EXPECT_TRUE(SameBits(LogitsOfRows(weights, tokens, KvView::Own(), {}, {6, 11}), Logits(weights, picked)));
}

INSTANTIATE_TEST_SUITE_P(Types, WorkspaceOpsConformanceTest, ::testing::Values(at::kFloat, at::kBFloat16));

TEST(WorkspaceTakesTest, WhatIsNotPlainGoesOverTensors) {
  const at::NoGradGuard no_grad;
  PolicyWeights weights = testing::SmallWeights();
  EXPECT_TRUE(WorkspaceTakes(weights));
  weights.layers[1].o = weights.layers[1].o.t().contiguous().t();
  EXPECT_FALSE(WorkspaceTakes(weights));
  EXPECT_FALSE(WorkspaceTakes(testing::SmallWeights(1, at::kDouble)));
}

}  // namespace
}  // namespace plumb
