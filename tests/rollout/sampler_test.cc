#include "rollout/sampler.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "base/philox.h"

namespace plumb {
namespace {

using ::testing::ElementsAre;

std::array<uint32_t, 2> KeyOf(uint64_t sample) { return PhiloxKey({.run_seed = 11, .sample_index = sample}); }

std::vector<SampleRequest> RequestsFor(int64_t rows, const SamplingOptions& sampling, int64_t position = 3) {
  std::vector<SampleRequest> requests;
  for (int64_t row = 0; row < rows; ++row) requests.push_back({row, &sampling, KeyOf(row), position});
  return requests;
}

// [rows, columns] with one row repeated
at::Tensor Repeated(const std::vector<float>& row, int64_t rows) {
  return at::tensor(row).unsqueeze(0).repeat({rows, 1});
}

TEST(SamplerTest, GreedyTakesTheLowestIdOnATie) {
  const SamplingOptions greedy = {.greedy = true};
  const std::vector<SampledToken> sampled = SampleTokens(Repeated({1, 3, 3, 2}, 1), RequestsFor(1, greedy), 4);
  EXPECT_EQ(sampled[0].id, 1);
  EXPECT_EQ(sampled[0].sampling_logprob, 0);
  EXPECT_NEAR(sampled[0].logprob, 3 - std::log(std::exp(1) + 2 * std::exp(3) + std::exp(2)), 1e-6);
}

TEST(SamplerTest, NeverSamplesIdsBeyondTheTokenizer) {
  const SamplingOptions greedy = {.greedy = true}, plain, cut = {.top_k = 3};
  const at::Tensor logits = Repeated({0, 1, 90, 99}, 50);
  for (const SamplingOptions& sampling : {greedy, plain, cut}) {
    for (const SampledToken& token : SampleTokens(logits, RequestsFor(50, sampling), 2)) EXPECT_LT(token.id, 2);
  }
}

TEST(SamplerTest, NamesOnlyTheRowThatIsNotFinite) {
  at::Tensor logits = at::randn({4, 9});
  logits[1][3] = std::numeric_limits<float>::quiet_NaN();
  logits[2][8] = std::numeric_limits<float>::infinity();
  const SamplingOptions plain, cut = {.top_p = 0.5}, greedy = {.greedy = true};
  for (const SamplingOptions& sampling : {plain, cut, greedy}) {
    const std::vector<SampledToken> sampled = SampleTokens(logits, RequestsFor(4, sampling), 9);
    EXPECT_TRUE(sampled[0].finite);
    EXPECT_FALSE(sampled[1].finite);
    EXPECT_FALSE(sampled[2].finite);
    EXPECT_TRUE(sampled[3].finite);
  }
}

TEST(SamplerTest, KeepsTheSmallestSetThatReachesTopP) {
  // Probabilities 0.5, 0.3, 0.15, 0.05 at ids 2, 0, 3, 1.
  const at::Tensor logits = Repeated({std::log(0.3f), std::log(0.05f), std::log(0.5f), std::log(0.15f)}, 1);
  const auto kept = [&](double top_p, int64_t top_k) {
    const SamplingOptions sampling = {.top_p = top_p, .top_k = top_k, .return_kept_sets = true};
    return SampleTokens(logits, RequestsFor(1, sampling), 4)[0].kept;
  };
  EXPECT_THAT(kept(0.4, 0), ElementsAre(2));
  EXPECT_THAT(kept(0.7, 0), ElementsAre(0, 2));
  EXPECT_THAT(kept(0.9, 0), ElementsAre(0, 2, 3));
  EXPECT_THAT(kept(1.0, 3), ElementsAre(0, 2, 3));
  EXPECT_THAT(kept(0.6, 2), ElementsAre(2));  // of top-k's two, the first has 0.625
  EXPECT_THAT(kept(0.65, 2), ElementsAre(0, 2));
  EXPECT_THAT(kept(0.7, 1), ElementsAre(2));
}

TEST(SamplerTest, EqualLogitsAreKeptInTheOrderOfTheirIds) {
  const SamplingOptions sampling = {.top_k = 2, .return_kept_sets = true};
  EXPECT_THAT(SampleTokens(Repeated({1, 1, 1, 1}, 1), RequestsFor(1, sampling), 4)[0].kept, ElementsAre(0, 1));
}

// Exponentials of the sampling log-probabilities of the tokens that 512 draws meet, and the kept set of the row.
std::map<int64_t, double> DrawMany(const at::Tensor& row, const SamplingOptions& sampling, std::vector<int64_t>& kept) {
  std::map<int64_t, double> seen;
  for (int64_t position = 0; position < 8; ++position) {
    const at::Tensor logits = row.repeat({64, 1});
    for (const SampledToken& token : SampleTokens(logits, RequestsFor(64, sampling, position), row.size(1))) {
      seen[token.id] = std::exp(static_cast<double>(token.sampling_logprob));
      kept = token.kept;
    }
  }
  if (!kept.empty()) return seen;
  for (int64_t id = 0; id < row.size(1); ++id) kept.push_back(id);
  return seen;
}

class SamplerKeptSetPropertyTest : public ::testing::TestWithParam<std::tuple<double, double, int64_t>> {};

TEST_P(SamplerKeptSetPropertyTest, SamplingLogprobsAreThoseOfTheKeptSet) {
  const at::Tensor row = at::randn({1, 200}) * 3;
  const auto [temperature, top_p, top_k] = GetParam();
  const SamplingOptions sampling = {
      .temperature = temperature, .top_p = top_p, .top_k = top_k, .return_kept_sets = true};
  std::vector<int64_t> kept;
  const std::map<int64_t, double> seen = DrawMany(row, sampling, kept);
  const at::Tensor reference = (row[0].to(at::kDouble) / temperature).index_select(0, at::tensor(kept)).softmax(0);
  double total = 0;
  for (size_t i = 0; i < kept.size(); ++i) {
    const double expected = reference[static_cast<int64_t>(i)].item<double>();
    const auto found = seen.find(kept[i]);
    total += found == seen.end() ? expected : found->second;
    if (found != seen.end()) {
      EXPECT_NEAR(found->second, expected, 1e-5);
    }
  }
  EXPECT_NEAR(total, 1.0, 1e-5);
  for (const auto& [id, probability] : seen) EXPECT_THAT(kept, ::testing::Contains(id));
}

INSTANTIATE_TEST_SUITE_P(Options, SamplerKeptSetPropertyTest,
                         ::testing::Combine(::testing::Values(0.5, 1.0, 1.7), ::testing::Values(0.1, 0.9, 1.0),
                                            ::testing::Values(int64_t{0}, int64_t{1}, int64_t{50})));

TEST(SamplerPropertyTest, ARowAloneGivesTheBitsOfTheRowInABatch) {
  const at::Tensor logits = at::randn({40, 1000}) * 2;
  const SamplingOptions plain, warm = {.temperature = 0.7}, cut = {.top_p = 0.8, .top_k = 40},
                               greedy = {.greedy = true};
  const std::vector<const SamplingOptions*> kinds = {&plain, &warm, &cut, &greedy};
  std::vector<SampleRequest> requests;
  for (int64_t row = 0; row < 40; ++row) requests.push_back({row, kinds[row % 4], KeyOf(row), row});
  const std::vector<SampledToken> together = SampleTokens(logits, requests, 990);
  for (int64_t row = 0; row < 40; ++row) {
    SampleRequest request = requests[row];
    request.row = 0;
    const SampledToken alone = SampleTokens(logits.narrow(0, row, 1), {request}, 990)[0];
    EXPECT_EQ(alone.id, together[row].id);
    EXPECT_EQ(alone.logprob, together[row].logprob);
    EXPECT_EQ(alone.sampling_logprob, together[row].sampling_logprob);
  }
}

TEST(SamplerPropertyTest, DrawsFollowTheDistribution) {
  const std::vector<float> row = {0.f, 1.f, -1.f, 2.f, 0.5f, -2.f, 1.5f, 0.2f};
  const SamplingOptions sampling;
  constexpr int64_t kRows = 10000;
  const at::Tensor logits = Repeated(row, kRows);
  std::vector<double> counts(8, 0);
  for (int64_t position = 0; position < 100; ++position) {
    for (const SampledToken& token : SampleTokens(logits, RequestsFor(kRows, sampling, position), 8))
      ++counts[token.id];
  }
  const at::Tensor expected = at::tensor(row).to(at::kDouble).softmax(0) * static_cast<double>(kRows * 100);
  double chi_square = 0;
  for (int64_t id = 0; id < 8; ++id) {
    const double wanted = expected[id].item<double>();
    chi_square += (counts[id] - wanted) * (counts[id] - wanted) / wanted;
  }
  EXPECT_LT(chi_square, 24.32);  // 7 degrees of freedom, p = 1e-3
}

TEST(SamplerPropertyTest, EveryKeyAndPositionHasItsOwnStream) {
  const at::Tensor logits = at::zeros({1, 1000});
  const SamplingOptions sampling;
  std::set<std::vector<int64_t>> streams;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    for (uint64_t sibling = 0; sibling < 40; ++sibling) {
      std::vector<SampleRequest> requests;
      const auto key = PhiloxKey({.run_seed = seed, .sample_index = sibling});
      for (int64_t position = 0; position < 6; ++position) requests.push_back({0, &sampling, key, position});
      std::vector<int64_t> ids;
      for (const SampledToken& token : SampleTokens(logits, requests, 1000)) ids.push_back(token.id);
      streams.insert(ids);
    }
  }
  EXPECT_EQ(streams.size(), 1600u);
}

}  // namespace
}  // namespace plumb
