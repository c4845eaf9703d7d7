#include "policy/policy.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

using testing::ForwardWhole;
using testing::GoldenMargin;
using testing::GoldenModel;
using testing::GoldenModelNames;
using testing::MaxDifference;
using testing::SmallWeights;
using testing::SomeIds;

class PolicyGoldenTest : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Models, PolicyGoldenTest, ::testing::ValuesIn(GoldenModelNames()),
                         [](const auto& model) { return model.param; });

TEST_P(PolicyGoldenTest, LogitsOfEverySequence) {
  const GoldenModel model(GetParam());
  const at::NoGradGuard no_grad;
  GoldenMargin margin;
  for (const Json& sequence : model.facts()["sequences"]) {
    const std::string key = sequence["key"];
    const at::Tensor hidden = ForwardWhole(model.weights(), {model.Ids(key + ".input_ids")});
    const at::Tensor expected = model.Golden(key + ".logits");
    const double tolerance = expected.size(0) > 64 ? 5e-4 : 2e-4;
    margin.ExpectNear(Logits(model.weights(), hidden), expected, tolerance, key);
  }
}

TEST_P(PolicyGoldenTest, HiddenStatesOfEveryLayer) {
  const GoldenModel model(GetParam());
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> states;
  ForwardContext context;
  context.hidden_probe = [&](int64_t index, const at::Tensor& hidden) {
    ASSERT_EQ(index, static_cast<int64_t>(states.size()));
    states.push_back(hidden);
  };
  Forward(model.weights(), PackSequences({model.Ids("hidden.input_ids")}), KvView::Own(), context);
  const int64_t layers = model.weights().config.num_layers;
  ASSERT_EQ(static_cast<int64_t>(states.size()), layers + 2);
  GoldenMargin margin;
  for (int64_t index = 0; index <= layers; ++index) {
    const std::string key = "hidden." + std::to_string(index);
    margin.ExpectNear(states[index], model.Golden(key), 2e-4, key);
  }
  margin.ExpectNear(states.back(), model.Golden("hidden.final_norm"), 2e-4, "hidden.final_norm");
}

TEST_P(PolicyGoldenTest, RoutedExpertsAndTheirWeights) {
  const GoldenModel model(GetParam());
  const at::NoGradGuard no_grad;
  RouterRecord record;
  ForwardContext context;
  context.router_record = &record;
  Forward(model.weights(), PackSequences({model.Ids("router.input_ids")}), KvView::Own(), context);
  GoldenMargin margin;
  size_t moe_index = 0;
  for (int64_t layer = 0; layer < model.weights().config.num_layers; ++layer) {
    if (!model.weights().config.IsMoeLayer(layer)) continue;
    const std::string prefix = "router.layer" + std::to_string(layer);
    ASSERT_LT(moe_index, record.experts.size());
    EXPECT_TRUE(record.experts[moe_index].equal(model.Golden(prefix + ".indices"))) << prefix;
    const at::Tensor expected = model.Golden(prefix + ".weights");
    margin.ExpectNear(record.weights[moe_index] / expected, at::ones_like(expected), 1e-5, prefix + ".weights");
    margin.ExpectNear(record.logits[moe_index], model.Golden(prefix + ".logits"), 2e-4, prefix + ".logits");
    ++moe_index;
  }
  EXPECT_EQ(moe_index, record.experts.size());
}

TEST_P(PolicyGoldenTest, LogprobsAtTemperaturesAndEntropy) {
  const GoldenModel model(GetParam());
  const at::NoGradGuard no_grad;
  std::vector<int64_t> ids = model.Ids("cont.prompt_ids");
  const int64_t prompt = static_cast<int64_t>(ids.size());
  const at::Tensor targets = model.Golden("cont.continuation_ids");
  for (const int64_t id : model.Ids("cont.continuation_ids")) ids.push_back(id);
  const at::Tensor hidden = ForwardWhole(model.weights(), {ids}).narrow(0, prompt - 1, targets.size(0));
  GoldenMargin margin;
  const TokenScores scores = ScoreTokens(model.weights(), hidden, targets, 1.0);
  margin.ExpectNear(scores.logprobs, model.Golden("cont.logprobs"), 1e-4, "cont.logprobs");
  margin.ExpectNear(scores.entropy, model.Golden("cont.entropy"), 1e-4, "cont.entropy");
  const TokenScores cold = ScoreTokens(model.weights(), hidden, targets, 0.7);
  margin.ExpectNear(cold.logprobs, model.Golden("cont.logprobs_temp0.7"), 1e-4, "cont.logprobs_temp0.7");
  const TokenScores hot = ScoreTokens(model.weights(), hidden, targets, 1.3);
  margin.ExpectNear(hot.logprobs, model.Golden("cont.logprobs_temp1.3"), 1e-4, "cont.logprobs_temp1.3");
}

// A whole prompt at once, then one token at a time, over pages.
TEST_P(PolicyGoldenTest, GreedyIdsWithTheCache) {
  const GoldenModel model(GetParam());
  const at::NoGradGuard no_grad;
  const ModelConfig& config = model.weights().config;
  LatentCache cache = *LatentCache::Create({config.num_layers, config.LatentWidth(), at::kFloat}, 3, at::kCPU);
  std::vector<int64_t> next = model.Ids("greedy.prompt_ids");
  std::vector<int64_t> output;
  int64_t cached = 0;
  for (const int64_t expected : model.Ids("greedy.output_ids")) {
    PackedTokens tokens = PackSequences({next});
    tokens.positions.add_(cached);
    cached += static_cast<int64_t>(next.size());
    const at::Tensor hidden = Forward(model.weights(), tokens, {&cache, {{2, 1}}}, ForwardContext());
    const int64_t best = Logits(model.weights(), hidden.narrow(0, hidden.size(0) - 1, 1)).argmax().item<int64_t>();
    ASSERT_EQ(best, expected) << "after " << output.size() << " tokens";
    output.push_back(best);
    next = {best};
  }
}

// bfloat16 compute against the float32 goldens, loosely.
TEST_P(PolicyGoldenTest, Bfloat16AgreesLoosely) {
  const GoldenModel model(GetParam(), at::kBFloat16);
  const at::NoGradGuard no_grad;
  const at::Tensor logits = Logits(model.weights(), ForwardWhole(model.weights(), {model.Ids("seq3.input_ids")}));
  // Weights of FP8 blocks that are rounded to bfloat16 have goldens of their own.
  const std::string rounded = "seq3.logits_bf16_dequant";
  const at::Tensor expected = model.Golden(model.Has(rounded) ? rounded : "seq3.logits");
  const at::Tensor difference = (logits - expected).abs().mean(1);  // routing of single tokens may flip
  EXPECT_LE(difference.median().item<double>(), 5e-2 * expected.std().item<double>());
}

class PolicyPropertyTest : public ::testing::Test {};

TEST(PolicyPropertyTest, PackedEqualsUnpacked) {
  const PolicyWeights weights = SmallWeights();
  const at::NoGradGuard no_grad;
  std::vector<std::vector<int64_t>> sequences;
  for (const int64_t length : {5, 1, 70, 12, 70, 33, 2, 64}) sequences.push_back(SomeIds(length, 64, length));
  const at::Tensor packed = ForwardWhole(weights, sequences);
  int64_t start = 0;
  for (const std::vector<int64_t>& sequence : sequences) {
    const int64_t length = static_cast<int64_t>(sequence.size());
    EXPECT_LE(MaxDifference(packed.narrow(0, start, length), ForwardWhole(weights, {sequence})), 1e-4) << length;
    start += length;
  }
}

// Weights that want gradients change nothing over a cache, which has none.
TEST(PolicyTest, NoGradientFlowsOverPages) {
  PolicyWeights weights = SmallWeights();
  const ModelConfig& config = weights.config;
  const PackedTokens tokens = PackSequences({SomeIds(9, 64)});
  LatentCache cache = *LatentCache::Create({config.num_layers, config.LatentWidth(), at::kFloat}, 3, at::kCPU);
  const auto run = [&] {
    RouterRecord record;  // asks for the form on tensors
    ForwardContext context;
    context.router_record = &record;
    return Forward(weights, tokens, {&cache, {{2}}}, context);
  };
  const at::Tensor expected = run();
  for (const NamedBuffer& buffer : Buffers(weights)) {
    if (buffer.trainable) buffer.tensor->set_requires_grad(true);
  }
  const at::Tensor output = run();
  EXPECT_FALSE(output.requires_grad());
  EXPECT_TRUE(output.equal(expected));
}

// Feeds `ids` in chunks over pages and returns all hidden states. Pages lie in no particular order.
at::Tensor ForwardInChunks(const PolicyWeights& weights, const std::vector<int64_t>& ids, int64_t chunk) {
  const ModelConfig& config = weights.config;
  LatentCache cache = *LatentCache::Create({config.num_layers, config.LatentWidth(), at::kFloat}, 8, at::kCPU);
  const std::vector<std::vector<int32_t>> pages = {{5, 2, 7}};
  std::vector<at::Tensor> parts;
  for (size_t begin = 0; begin < ids.size(); begin += chunk) {
    const size_t end = std::min(ids.size(), begin + chunk);
    PackedTokens tokens = PackSequences({std::vector<int64_t>(ids.begin() + begin, ids.begin() + end)});
    tokens.positions.add_(static_cast<int64_t>(begin));
    parts.push_back(Forward(weights, tokens, {&cache, pages}, ForwardContext()));
  }
  return at::cat(parts, 0);
}

TEST(PolicyPropertyTest, ChunksOverPagesEqualOneForward) {
  const PolicyWeights weights = SmallWeights();
  const at::NoGradGuard no_grad;
  const std::vector<int64_t> ids = SomeIds(150, 64);
  const at::Tensor whole = ForwardWhole(weights, {ids});
  for (const int64_t chunk : {1, 7, 64, 150}) {
    EXPECT_LE(MaxDifference(ForwardInChunks(weights, ids, chunk), whole), 1e-4) << chunk;
  }
}

// Decoding rows and a prefill chunk in one call, with different lengths and a poisoned page beside them.
TEST(PolicyPropertyTest, MixedBatchOverPagesEqualsRowsAlone) {
  const PolicyWeights weights = SmallWeights();
  const at::NoGradGuard no_grad;
  const ModelConfig& config = weights.config;
  LatentCache cache = *LatentCache::Create({config.num_layers, config.LatentWidth(), at::kFloat}, 12, at::kCPU);
  for (int64_t layer = 0; layer < config.num_layers; ++layer) {
    cache.layer(layer).fill_(std::numeric_limits<float>::quiet_NaN());
  }
  const std::vector<std::vector<int64_t>> sequences = {SomeIds(100, 64, 1), SomeIds(3, 64, 2), SomeIds(40, 64, 3)};
  const std::vector<std::vector<int32_t>> pages = {{9, 1}, {4}, {3}};
  std::vector<std::vector<int64_t>> heads;
  std::vector<std::vector<int64_t>> tails;
  const std::vector<int64_t> cached = {99, 2, 10};
  for (size_t row = 0; row < sequences.size(); ++row) {
    heads.emplace_back(sequences[row].begin(), sequences[row].begin() + cached[row]);
    tails.emplace_back(sequences[row].begin() + cached[row], sequences[row].end());
  }
  Forward(weights, PackSequences(heads), {&cache, pages}, ForwardContext());
  PackedTokens tokens = PackSequences(tails);
  for (size_t row = 0; row < tails.size(); ++row) {
    tokens.positions.narrow(0, tokens.starts[row], tokens.starts[row + 1] - tokens.starts[row]).add_(cached[row]);
  }
  const at::Tensor hidden = Forward(weights, tokens, {&cache, pages}, ForwardContext());
  for (size_t row = 0; row < sequences.size(); ++row) {
    const int64_t count = tokens.starts[row + 1] - tokens.starts[row];
    const at::Tensor alone = ForwardWhole(weights, {sequences[row]}).narrow(0, cached[row], count);
    EXPECT_LE(MaxDifference(hidden.narrow(0, tokens.starts[row], count), alone), 1e-4) << row;
  }
}

TEST(PolicyPropertyTest, LaterTokensDoNotReachEarlierOnes) {
  const PolicyWeights weights = SmallWeights();
  const at::NoGradGuard no_grad;
  std::vector<int64_t> ids = SomeIds(20, 64);
  const at::Tensor before = ForwardWhole(weights, {ids}).narrow(0, 0, 19).clone();
  ids.back() = (ids.back() + 1) % 64;
  EXPECT_LE(MaxDifference(ForwardWhole(weights, {ids}).narrow(0, 0, 19), before), 1e-5);
}

TEST(PolicyTest, ReplayedExpertsAreUsed) {
  const PolicyWeights weights = SmallWeights();
  const at::NoGradGuard no_grad;
  const PackedTokens tokens = PackSequences({SomeIds(9, 64)});
  RouterRecord record;
  ForwardContext context;
  context.router_record = &record;
  const at::Tensor plain = Forward(weights, tokens, KvView::Own(), context);
  ForwardContext replay;
  replay.router_replay = &record.experts;
  EXPECT_TRUE(Forward(weights, tokens, KvView::Own(), replay).equal(plain));
  std::vector<at::Tensor> other;
  for (const at::Tensor& experts : record.experts)
    other.push_back(at::tensor({0, 1}, at::kLong).expand_as(experts).contiguous());
  replay.router_replay = &other;
  EXPECT_GT(MaxDifference(Forward(weights, tokens, KvView::Own(), replay), plain), 1e-2);
}

TEST(PolicyTest, FindNonFiniteNamesTheFirstPlace) {
  const PackedTokens tokens = PackSequences({{1, 2, 3}});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  PolicyWeights weights = SmallWeights();
  EXPECT_EQ(FindNonFinite(weights, tokens, KvView::Own(), ForwardContext()), std::nullopt);
  weights.final_norm.fill_(nan);
  EXPECT_EQ(FindNonFinite(weights, tokens, KvView::Own(), ForwardContext()), "the last norm");
  weights.layers[1].o.select(0, 3).fill_(nan);
  EXPECT_EQ(FindNonFinite(weights, tokens, KvView::Own(), ForwardContext()), "layer 1");
  weights.embed.select(0, 2).fill_(nan);
  EXPECT_EQ(FindNonFinite(weights, tokens, KvView::Own(), ForwardContext()), "the embeddings");
}

}  // namespace
}  // namespace plumb
