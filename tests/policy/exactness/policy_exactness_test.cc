#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "policy/kernels/token_logprobs.h"
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

constexpr int64_t kProbeLength = 150;  // three pages

ModelConfig GateOf(ModelFamily family, ModelConfig config) {
  if (family == ModelFamily::kV3) return config;
  config.family = ModelFamily::kV2;
  config.gate_score = GateScore::kSoftmax;
  config.gate_selection = GateSelection::kGreedy;
  return config;
}

// A small model with the gate of each family, in each type.
class PolicyExactnessPropertyTest : public ::testing::TestWithParam<std::pair<ModelFamily, at::ScalarType>> {
 protected:
  PolicyExactnessPropertyTest()
      : weights_(RandomWeights(GateOf(GetParam().first, testing::SmallWeights().config), GetParam().second, at::kCPU,
                               /*seed=*/3)),
        probe_(SomeIds(kProbeLength, weights_.config.vocab_size, 77)) {}

  // [T, V] logits and hidden states of every position of the probe, from a forward of these sequences.
  at::Tensor LogitsInBatch(const std::vector<std::vector<int64_t>>& sequences, size_t place) const {
    const at::Tensor hidden = testing::ForwardWhole(weights_, sequences);
    int64_t begin = 0;
    for (size_t i = 0; i < place; ++i) begin += static_cast<int64_t>(sequences[i].size());
    return Logits(weights_, hidden.narrow(0, begin, kProbeLength));
  }

  // The same through a cache, some tokens at a time; another sequence of a token per call runs beside it.
  at::Tensor LogitsInChunks(int64_t chunk) const {
    const at::NoGradGuard no_grad;
    const KvLayout layout = {weights_.config.num_layers, weights_.config.LatentWidth(), GetParam().second};
    absl::StatusOr<LatentCache> cache = LatentCache::Create(layout, /*num_pages=*/9, at::kCPU);
    EXPECT_THAT(cache, testing::IsOk());
    const std::vector<int64_t> others = SomeIds(kProbeLength, weights_.config.vocab_size, 5);
    std::vector<at::Tensor> logits;
    int64_t calls = 0;
    for (int64_t begin = 0; begin < kProbeLength; begin += chunk, ++calls) {
      const int64_t count = std::min(chunk, kProbeLength - begin);
      std::vector<int64_t> ids = {others[calls]};
      ids.insert(ids.end(), probe_.begin() + begin, probe_.begin() + begin + count);
      PackedTokens tokens;
      tokens.ids = at::tensor(ids, at::kLong);
      tokens.positions = at::cat({at::tensor({calls}, at::kLong), at::arange(begin, begin + count, at::kLong)});
      tokens.starts = {0, 1, 1 + count};
      const KvView view = {&*cache, {{1, 2, 3}, {7, 4, 6}}};
      logits.push_back(Logits(weights_, Forward(weights_, tokens, view, {}).narrow(0, 1, count)));
    }
    return at::cat(logits, 0);
  }

  PolicyWeights weights_;
  std::vector<int64_t> probe_;
};

TEST_P(PolicyExactnessPropertyTest, BatchesAndThreadsChangeNoBit) {
  ForEachIsa([&](cpu::Isa) {
    const at::Tensor alone = LogitsInBatch({probe_}, 0);
    ForEachThreadCount([&](int) {
      for (const size_t size : {1, 2, 3, 7, 16, 17, 64, 128}) {
        for (const size_t place : {size_t{0}, size / 2, size - 1}) {
          std::vector<std::vector<int64_t>> sequences;
          for (size_t i = 0; i < size; ++i) {
            sequences.push_back(SomeIds(static_cast<int64_t>(1 + i * 7 % 23), weights_.config.vocab_size, i));
          }
          sequences[place] = probe_;
          EXPECT_TRUE(SameBits(LogitsInBatch(sequences, place), alone)) << place << " of " << size;
        }
      }
    });
  });
}

TEST_P(PolicyExactnessPropertyTest, ChunksAndTheCacheChangeNoBit) {
  ForEachIsa([&](cpu::Isa) {
    const at::Tensor alone = LogitsInBatch({probe_}, 0);
    ForEachThreadCount([&](int) {
      for (const int64_t chunk : {1, 7, 64, 500}) EXPECT_TRUE(SameBits(LogitsInChunks(chunk), alone)) << chunk;
    });
  });
}

// The log-probabilities of training, with gradients on, against those of the logits that a sampler has.
TEST_P(PolicyExactnessPropertyTest, TrainingGivesTheLogprobsOfDecoding) {
  const at::Tensor targets = at::tensor(std::vector<int64_t>(probe_.begin() + 1, probe_.end()), at::kLong);
  const auto scores = [&](bool training) {
    for (const NamedBuffer& buffer : Buffers(weights_)) buffer.tensor->set_requires_grad(training && buffer.trainable);
    const PackedTokens tokens = PackSequences({SomeIds(9, weights_.config.vocab_size), probe_});
    const at::Tensor hidden =
        training ? Forward(weights_, tokens, KvView::Own(), {}).narrow(0, 9, kProbeLength - 1) : at::Tensor();
    if (training) return ScoreTokens(weights_, hidden, targets, /*temperature=*/0.7).logprobs.detach();
    const at::Tensor logits = LogitsInChunks(1).narrow(0, 0, kProbeLength - 1).div(0.7f);
    return LogprobsOfLogits(logits, targets, /*temperature=*/1.0).logprobs;
  };
  ForEachIsa([&](cpu::Isa) { EXPECT_TRUE(SameBits(scores(true), scores(false))); });
}

INSTANTIATE_TEST_SUITE_P(Models, PolicyExactnessPropertyTest,
                         ::testing::Values(std::pair(ModelFamily::kV2, at::kFloat),
                                           std::pair(ModelFamily::kV2, at::kBFloat16),
                                           std::pair(ModelFamily::kV3, at::kFloat),
                                           std::pair(ModelFamily::kV3, at::kBFloat16)));

}  // namespace
}  // namespace plumb
