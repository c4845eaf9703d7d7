#include "grpo/loss.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "tests/testing/test_files.h"

namespace plumb {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

at::Tensor Doubles(const std::vector<double>& values) { return at::tensor(values, at::kDouble); }

// Rows of ragged token values become one packed batch; every row is a sequence.
struct Rows {
  std::vector<std::vector<double>> logp, old_logp, ref_logp, advantages;
};

at::Tensor Flat(const std::vector<std::vector<double>>& rows) {
  std::vector<double> flat;
  for (const std::vector<double>& row : rows) flat.insert(flat.end(), row.begin(), row.end());
  return Doubles(flat);
}

LossBatch Pack(const Rows& rows) {
  LossBatch batch;
  batch.logp = Flat(rows.logp).set_requires_grad(true);
  batch.old_logp = Flat(rows.old_logp);
  if (!rows.ref_logp.empty()) batch.ref_logp = Flat(rows.ref_logp);
  batch.advantages = Flat(rows.advantages);
  std::vector<int64_t> sequence;
  for (size_t row = 0; row < rows.logp.size(); ++row) sequence.insert(sequence.end(), rows.logp[row].size(), row);
  batch.sequence = at::tensor(sequence, at::kLong);
  batch.mask = at::ones({batch.logp.size(0)}, at::kBool);
  batch.num_sequences = static_cast<int64_t>(rows.logp.size());
  return batch;
}

LossScale ScaleOf(const LossBatch& batch) { return {batch.mask.sum().item<int64_t>(), batch.num_sequences}; }

// The loss of one token with the given ratio and advantage, and its gradient with respect to logp.
std::pair<double, double> ClipCase(double ratio, double advantage) {
  const LossBatch batch = Pack({.logp = {{std::log(ratio)}}, .old_logp = {{0}}, .advantages = {{advantage}}});
  const LossReport report = GrpoLoss(batch, {1, 1}, {.clip_low = 0.2, .clip_high = 0.28});
  report.loss.backward();
  return {report.loss.item<double>(), batch.logp.grad().item<double>()};
}

TEST(LossTest, ClipsTheRatioOnlyWhereThatLowersTheObjective) {
  const double cases[][4] = {{1, 1, -1, -1},      {1.25, 1, -1.25, -1.25}, {1.5, 1, -1.28, 0}, {0.5, 1, -0.5, -0.5},
                             {1.5, -1, 1.5, 1.5}, {0.7, -1, 0.8, 0},       {5, -1, 5, 5}};
  for (const auto& [ratio, advantage, value, coefficient] : cases) {
    const auto [loss, gradient] = ClipCase(ratio, advantage);
    EXPECT_NEAR(loss, value, 1e-12) << "ratio " << ratio << ", advantage " << advantage;
    EXPECT_NEAR(gradient, coefficient, 1e-12) << "ratio " << ratio << ", advantage " << advantage;
  }
}

TEST(LossTest, EstimatesKl) {
  const double cases[][5] = {// d, k1, k2, k3, derivative of k3 with respect to logp
                             {-0.5, 0.5, 0.125, 0.106531, 0.393469},
                             {0.3, -0.3, 0.045, 0.049859, -0.349859},
                             {2, -2, 2, 4.389056, -6.389056}};
  for (const auto& [d, k1, k2, k3, slope] : cases) {
    at::Tensor logp = Doubles({0}).set_requires_grad(true);
    EXPECT_NEAR(KlEstimate(d - logp, KlEstimator::kK1).item<double>(), k1, 1e-6);
    EXPECT_NEAR(KlEstimate(d - logp, KlEstimator::kK2).item<double>(), k2, 1e-6);
    const at::Tensor estimate = KlEstimate(d - logp, KlEstimator::kK3);
    EXPECT_NEAR(estimate.item<double>(), k3, 1e-6);
    estimate.sum().backward();
    EXPECT_NEAR(logp.grad().item<double>(), slope, 1e-6);
  }
}

// Sampling distribution p, reference q: the exact KL is the mean of k1 and of k3 under p.
TEST(LossTest, KlEstimatorsHaveTheRightMean) {
  const at::Tensor p = Doubles({0.5, 0.3, 0.2});
  const at::Tensor d = Doubles({0.4, 0.4, 0.2}).log() - p.log();
  EXPECT_NEAR((p * KlEstimate(d, KlEstimator::kK1)).sum().item<double>(), 0.025267, 1e-6);
  EXPECT_NEAR((p * KlEstimate(d, KlEstimator::kK3)).sum().item<double>(), 0.025267, 1e-6);
  EXPECT_NEAR((p * KlEstimate(d, KlEstimator::kK2)).sum().item<double>(), 0.024862, 1e-6);
}

// A bandit with three arms: on-policy, the clipped surrogate's gradient is that of -mean(A logp).
TEST(LossTest, OnPolicyGradientIsThePolicyGradient) {
  at::Tensor logits = Doubles({0.2, -0.1, 0.5}).set_requires_grad(true);
  const at::Tensor actions = at::tensor({0, 2, 2, 1}, at::kLong);
  LossBatch batch = Pack({.logp = {{0}, {0}, {0}, {0}},
                          .old_logp = {{0}, {0}, {0}, {0}},
                          .advantages = {{0.865875}, {-0.865875}, {0.865875}, {-0.865875}}});
  batch.logp = at::log_softmax(logits, 0).index_select(0, actions);
  batch.old_logp = batch.logp.detach();
  const LossReport report = GrpoLoss(batch, {4, 4}, {});
  EXPECT_NEAR(report.loss.item<double>(), 0, 1e-12);
  report.loss.backward();
  EXPECT_TRUE(at::allclose(logits.grad(), Doubles({-0.216469, 0.216469, 0}), 0, 1e-6)) << logits.grad();
}

// Token losses [1, 2] and [.5, .5, .5, .5, .5, 1.5], made from a ratio of 1 and advantages of the opposite sign.
TEST(LossTest, NormalizersDivideByWhatTheySay) {
  const std::vector<std::vector<double>> zeros = {{0, 0}, {0, 0, 0, 0, 0, 0}};
  const LossBatch batch =
      Pack({.logp = zeros, .old_logp = zeros, .advantages = {{-1, -2}, {-0.5, -0.5, -0.5, -0.5, -0.5, -1.5}}});
  const auto loss = [&batch](const LossScale& scale, const LossOptions& options) {
    return GrpoLoss(batch, scale, options).loss.item<double>();
  };
  EXPECT_NEAR(loss({8, 2}, {.normalizer = LossNormalizer::kTokenMean}), 0.875, 1e-12);
  EXPECT_NEAR(loss({8, 2}, {.normalizer = LossNormalizer::kSequenceMean}), 13.0 / 12, 1e-12);
  EXPECT_NEAR(loss({8, 2}, {.normalizer = LossNormalizer::kConstant, .constant_length = 8}), 0.4375, 1e-12);
  EXPECT_NEAR(loss({8, 3}, {.normalizer = LossNormalizer::kSequenceMean}), 0.722222, 1e-6);
}

// Two completions with rewards 1 and 0 and a reference policy.
TEST(LossTest, GivesTheWholeLossOfAWorkedExample) {
  const double a = 0.707007;
  LossBatch batch = Pack({.logp = {{-.5, -1}, {-.2, -2, -.7}},
                          .old_logp = {{-.7, -1}, {-.3, -1.5, -.7}},
                          .ref_logp = {{-.6, -1.1}, {-.2, -1.8, -1}},
                          .advantages = {{a, a}, {-a, -a, -a}}});
  LossOptions options = {.clip_low = 0.2, .clip_high = 0.2, .kl_coef = 0.04};
  const LossReport token_mean = GrpoLoss(batch, {5, 2}, options);
  EXPECT_NEAR(token_mean.loss.item<double>(), 0.100287, 1e-6);
  EXPECT_EQ(token_mean.sums.clipped_low + token_mean.sums.clipped_high, 2);
  EXPECT_NEAR(token_mean.sums.kl, 0.071895, 1e-5);
  EXPECT_NEAR(token_mean.sums.ratio_max, 1.221403, 1e-6);
  options.normalizer = LossNormalizer::kSequenceMean;
  EXPECT_NEAR(GrpoLoss(batch, {5, 2}, options).loss.item<double>(), -0.046013, 1e-6);
  options.normalizer = LossNormalizer::kConstant;
  options.constant_length = 4;
  EXPECT_NEAR(GrpoLoss(batch, {5, 2}, options).loss.item<double>(), 0.062680, 1e-6);
  options.kl_estimator = KlEstimator::kK1;
  EXPECT_NEAR(GrpoLoss(batch, {5, 2}, options).sums.kl / 5, 0.06, 1e-6);
}

TEST(LossTest, WithoutReferenceKlIsFromTheSamplingPolicyAndTrainsNothing) {
  const LossBatch batch = Pack({.logp = {{0.1}}, .old_logp = {{0}}, .advantages = {{0}}});
  const LossReport report = GrpoLoss(batch, {1, 1}, {.kl_estimator = KlEstimator::kK3});
  EXPECT_NEAR(report.sums.kl, std::expm1(0.1) - 0.1, 1e-12);
  report.loss.backward();
  EXPECT_EQ(batch.logp.grad().item<double>(), 0);
}

TEST(LossTest, NeverReadsMaskedTokens) {
  LossBatch batch = Pack({.logp = {{-1, kNan, -2}},
                          .old_logp = {{-1, kNan, -2}},
                          .ref_logp = {{-1, kNan, -2}},
                          .advantages = {{1, kNan, 1}}});
  batch.mask = at::tensor({1, 0, 1}, at::kLong).to(at::kBool);
  const LossReport report = GrpoLoss(batch, ScaleOf(batch), {.kl_coef = 0.1});
  EXPECT_NEAR(report.loss.item<double>(), -1, 1e-12);
  EXPECT_EQ(report.sums.tokens, 2);
  report.loss.backward();
  EXPECT_TRUE(at::allclose(batch.logp.grad(), Doubles({-0.5, 0, -0.5}))) << batch.logp.grad();
}

TEST(LossTest, HugeRatiosStayFinite) {
  const LossBatch batch = Pack({.logp = {{1000, -1000, 1000}},
                                .old_logp = {{0, 0, 0}},
                                .ref_logp = {{-1000, 1000, 0}},
                                .advantages = {{0, 0, -1}}});
  const LossReport report = GrpoLoss(batch, {3, 1}, {.kl_coef = 0.1});
  report.loss.backward();
  EXPECT_TRUE(std::isfinite(report.loss.item<double>()));
  EXPECT_TRUE(batch.logp.grad().isfinite().all().item<bool>());
  EXPECT_NEAR(report.sums.ratio_max, std::exp(20.0), 1);
}

TEST(LossTest, NothingTrainedGivesZeroWithAGradient) {
  LossBatch batch = Pack({.logp = {{-1, -2}}, .old_logp = {{-1, -1}}, .advantages = {{1, 1}}});
  batch.mask = at::zeros({2}, at::kBool);
  for (const LossNormalizer normalizer : {LossNormalizer::kTokenMean, LossNormalizer::kSequenceMean}) {
    const LossReport report = GrpoLoss(batch, {0, 0}, {.normalizer = normalizer});
    EXPECT_EQ(report.loss.item<double>(), 0);
    report.loss.backward();
    EXPECT_EQ(batch.logp.grad().abs().sum().item<double>(), 0);
  }
}

// The fixture with logits: z[i][t][v] and the policies around it are given by formulas.
class LossFixtureTest : public ::testing::Test {
 protected:
  static constexpr int kTokens = 6;
  const int row_of_[kTokens] = {0, 0, 1, 1, 1, 2};
  const int position_of_[kTokens] = {0, 1, 0, 1, 2, 0};
  const std::vector<int64_t> chosen_ = {2, 0, 1, 3, 0, 3};

  void SetUp() override {
    std::vector<double> current, old, reference;
    for (int n = 0; n < kTokens; ++n) {
      const int i = row_of_[n], t = position_of_[n];
      for (int v = 0; v < 4; ++v) {
        const double z = 0.1 * ((7 * i + 3 * t + 5 * v) % 11) - 0.5;
        current.push_back(z);
        old.push_back(z + 0.4 * ((i + 2 * t + 3 * v) % 5) - 0.8);
        reference.push_back(z + 0.1 * ((2 * i + t + v) % 3));
      }
    }
    logits_ = Doubles(current).view({kTokens, 4}).set_requires_grad(true);
    batch_.logp = Score(logits_);
    batch_.old_logp = Score(Doubles(old).view({kTokens, 4}));
    reference_ = Score(Doubles(reference).view({kTokens, 4}));
    batch_.mask = at::ones({kTokens}, at::kBool);
    batch_.sequence = at::tensor({0, 0, 1, 1, 1, 2}, at::kLong);
    batch_.num_sequences = 3;
  }

  at::Tensor Score(const at::Tensor& logits) const {
    const at::Tensor index = at::tensor(chosen_, at::kLong).unsqueeze(1);
    return at::log_softmax(logits, 1).gather(1, index).squeeze(1);
  }

  // Advantages +a, -a, 0 of the three completions.
  void Expect(double a, const LossOptions& options, const std::vector<double>& expected) {
    batch_.advantages = Doubles({a, a, -a, -a, -a, 0});
    if (options.kl_coef > 0) batch_.ref_logp = reference_;
    const LossReport report = GrpoLoss(batch_, {kTokens, 3}, options);
    report.loss.backward();
    const at::Tensor gradient = logits_.grad();
    EXPECT_NEAR(report.loss.item<double>(), expected[0], 1e-6);
    EXPECT_NEAR(gradient.norm().item<double>(), expected[1], 1e-6);
    EXPECT_NEAR(gradient[0][2].item<double>(), expected[2], 1e-6);
    EXPECT_NEAR(gradient[3][3].item<double>(), expected[3], 1e-6);
    EXPECT_EQ(report.sums.clipped_low, 1);
    EXPECT_EQ(report.sums.clipped_high, 1);
  }

  at::Tensor logits_;     // [6, V] float64
  at::Tensor reference_;  // [6] float64
  LossBatch batch_;
};

constexpr double kStdAdvantage = 0.9998000399920016;

TEST_F(LossFixtureTest, ClipSequenceMean) {
  Expect(kStdAdvantage, {.normalizer = LossNormalizer::kSequenceMean}, {.239985, .372446, 0, .136853});
}
TEST_F(LossFixtureTest, ClipTokenMean) {
  Expect(kStdAdvantage, {.normalizer = LossNormalizer::kTokenMean}, {.534173, .540628, 0, .205280});
}
TEST_F(LossFixtureTest, ClipConstant) {
  Expect(0.5, {.normalizer = LossNormalizer::kConstant, .constant_length = 3}, {.178093, .180246, 0, .068440});
}
TEST_F(LossFixtureTest, ClipWithKlSequenceMean) {
  Expect(kStdAdvantage, {.clip_high = 0.2, .normalizer = LossNormalizer::kSequenceMean, .kl_coef = 0.04},
         {.253402, .372618, -.000392, .137151});
}
TEST_F(LossFixtureTest, ClipWithKlTokenMean) {
  Expect(kStdAdvantage, {.kl_coef = 0.04}, {.534287, .540925, -.000392, .205726});
}

}  // namespace
}  // namespace plumb
