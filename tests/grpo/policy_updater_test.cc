#include "grpo/policy_updater.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "policy/policy.h"
#include "policy/presets.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

PolicyWeights SmallPolicy(uint64_t seed) {
  Json json = PresetConfig("tiny-demo", 16, -1, -1).value();
  json["hidden_size"] = 32;
  json["num_hidden_layers"] = 2;
  return RandomWeights(ParseModelConfig(json).value(), at::kFloat, at::kCPU, seed);
}

// What rollout returns: each token's log-probability at the temperature.
std::vector<float> ScoreAnswer(const PolicyWeights& weights, const std::vector<int64_t>& prompt,
                               const std::vector<int64_t>& answer, double temperature) {
  std::vector<int64_t> ids = prompt;
  ids.insert(ids.end(), answer.begin(), answer.end());
  const at::Tensor hidden = Forward(weights, PackSequences({ids}), KvView::Own(), ForwardContext());
  const int64_t first = static_cast<int64_t>(prompt.size()) - 1;
  const at::Tensor logprobs = ScoreTokens(weights, hidden.slice(0, first, first + static_cast<int64_t>(answer.size())),
                                          at::tensor(answer, at::kLong), temperature)
                                  .logprobs.detach();
  return std::vector<float>(logprobs.data_ptr<float>(), logprobs.data_ptr<float>() + logprobs.numel());
}

// Two completions of one prompt with opposite advantages, sampled from the policy at temperature 0.7.
class PolicyUpdaterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    good_.ids = {3, 4, 5};
    bad_.ids = {6, 7};
    good_.sampling_logprobs = ScoreAnswer(weights_, prompt_, good_.ids, kTemperature);
    bad_.sampling_logprobs = ScoreAnswer(weights_, prompt_, bad_.ids, kTemperature);
    part_.samples = {{&prompt_, &good_, 1}, {&prompt_, &bad_, -1}};
    part_.scale = {5, 2};
    options_.temperature = kTemperature;
  }

  double GoodLogprob() const {
    double sum = 0;
    for (const float value : ScoreAnswer(weights_, prompt_, good_.ids, kTemperature)) sum += value;
    return sum;
  }

  static constexpr double kTemperature = 0.7;
  const std::vector<int64_t> prompt_ = {1, 2};
  PolicyWeights weights_ = SmallPolicy(1);
  Completion good_, bad_;
  TrainPart part_;
  UpdateOptions options_;
};

TEST_F(PolicyUpdaterTest, RaisesWhatWasGood) {
  PolicyUpdater updater(&weights_, nullptr, options_);
  const double before = GoodLogprob();
  ASSERT_OK_AND_ASSIGN(const UpdateReport report, updater.Update({part_}, 1e-3));
  EXPECT_EQ(report.optimizer_steps, 1);
  EXPECT_EQ(report.tokens, 5);
  EXPECT_GT(report.grad_norm, 0);
  EXPECT_GT(report.entropy, 0);
  EXPECT_LT(report.entropy, std::log(16.0));
  EXPECT_GT(GoodLogprob(), before);
}

TEST_F(PolicyUpdaterTest, MeetsTheRolloutsLogprobsOnTheSameWeights) {
  PolicyUpdater updater(&weights_, nullptr, options_);
  ASSERT_OK_AND_ASSIGN(const UpdateReport report, updater.Update({part_, part_}, 1e-2));
  EXPECT_EQ(report.logprob_diff_max, 0.0);
  EXPECT_GT(report.ratio_max, 1.0 + 1e-4) << "the second step meets weights that have moved";
}

// Of several parts and micro batches: what is recomputed are the numbers of the rollout, to the bit.
TEST_F(PolicyUpdaterTest, RecomputedLogprobsChangeNoBitOfAnUpdate) {
  PolicyWeights other_weights = CloneWeights(weights_);
  options_.micro_batch_tokens = 5;
  PolicyUpdater plain(&weights_, nullptr, options_);
  options_.recompute_logprobs = true;
  PolicyUpdater recomputing(&other_weights, nullptr, options_);
  ASSERT_OK_AND_ASSIGN(const UpdateReport one, plain.Update({part_, part_}, 1e-2));
  ASSERT_OK_AND_ASSIGN(const UpdateReport two, recomputing.Update({part_, part_}, 1e-2));
  EXPECT_EQ(two.logprob_diff_max, 0.0);
  EXPECT_EQ(two.logprob_diff_mean, 0.0);
  EXPECT_EQ(two.ratio_max, one.ratio_max);
  EXPECT_GT(two.ratio_max, 1.0 + 1e-4) << "the old ones are those of the weights before the first step";
  EXPECT_EQ(WeightDigest(other_weights), WeightDigest(weights_));
}

TEST_F(PolicyUpdaterTest, RecomputedLogprobsReplaceThoseOfAnotherEngine) {
  PolicyWeights other_weights = CloneWeights(weights_);
  PolicyUpdater exact(&weights_, nullptr, options_);
  ASSERT_OK(exact.Update({part_}, 1e-2));
  bad_.sampling_logprobs[1] += 0.25f;  // in the second micro batch
  options_.recompute_logprobs = true;
  PolicyUpdater recomputing(&other_weights, nullptr, options_);
  ASSERT_OK_AND_ASSIGN(const UpdateReport report, recomputing.Update({part_}, 1e-2));
  EXPECT_NEAR(report.logprob_diff_max, 0.25, 1e-6);
  EXPECT_NEAR(report.logprob_diff_mean, 0.25 / 5, 1e-6);
  EXPECT_EQ(report.ratio_max, 1.0);
  EXPECT_EQ(WeightDigest(other_weights), WeightDigest(weights_));
}

TEST_F(PolicyUpdaterTest, MicroBatchesGiveTheSameUpdate) {
  PolicyWeights other_weights = CloneWeights(weights_);
  PolicyUpdater whole(&weights_, nullptr, options_);
  options_.micro_batch_tokens = 1;
  PolicyUpdater split(&other_weights, nullptr, options_);
  ASSERT_OK_AND_ASSIGN(const UpdateReport one, whole.Update({part_}, 1e-3));
  ASSERT_OK_AND_ASSIGN(const UpdateReport two, split.Update({part_}, 1e-3));
  EXPECT_NEAR(one.loss, two.loss, 1e-6);
  EXPECT_NEAR(one.grad_norm, two.grad_norm, 1e-5);
}

TEST_F(PolicyUpdaterTest, SkipsAStepThatIsNotFinite) {
  PolicyUpdater updater(&weights_, nullptr, options_);
  const uint64_t before = WeightDigest(weights_);
  part_.samples[0].advantage = std::numeric_limits<double>::infinity();
  ASSERT_OK_AND_ASSIGN(const UpdateReport report, updater.Update({part_}, 1e-3));
  EXPECT_EQ(report.skipped_steps, 1);
  EXPECT_EQ(report.optimizer_steps, 0);
  EXPECT_EQ(WeightDigest(weights_), before);
  EXPECT_TRUE(std::isnan(report.loss)) << "no step was taken, and 0 would look healthy";
  EXPECT_TRUE(std::isnan(report.grad_norm));
}

TEST_F(PolicyUpdaterTest, ALogprobThatIsNotFiniteShows) {
  PolicyUpdater updater(&weights_, nullptr, options_);
  good_.sampling_logprobs[0] = std::numeric_limits<float>::quiet_NaN();
  ASSERT_OK_AND_ASSIGN(const UpdateReport report, updater.Update({part_}, 1e-3));
  EXPECT_TRUE(std::isnan(report.logprob_diff_max));
  EXPECT_EQ(report.skipped_steps, 1);
}

TEST_F(PolicyUpdaterTest, KlPullsThePolicyBackToItsReference) {
  const PolicyWeights reference = CloneWeights(weights_);
  PolicyUpdater away(&weights_, nullptr, options_);
  for (int step = 0; step < 3; ++step) ASSERT_OK(away.Update({part_}, 3e-3));
  options_.loss.kl_coef = 10;
  for (TrainSample& sample : part_.samples) sample.advantage = 0;
  PolicyUpdater back(&weights_, &reference, options_);
  ASSERT_OK_AND_ASSIGN(const UpdateReport first, back.Update({part_}, 1e-3));
  EXPECT_GT(first.grad_norm, 1e-3);
  for (int step = 0; step < 5; ++step) ASSERT_OK(back.Update({part_}, 1e-3));
  ASSERT_OK_AND_ASSIGN(const UpdateReport last, back.Update({part_}, 1e-3));
  EXPECT_LT(last.kl, 0.5 * first.kl);
}

}  // namespace
}  // namespace plumb
