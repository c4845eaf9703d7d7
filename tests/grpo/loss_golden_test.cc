#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <cmath>

#include "grpo/loss.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

// A [B][T] matrix as one packed vector; rows may be shorter than others.
at::Tensor Flat(const Json& matrix) {
  std::vector<double> flat;
  for (const Json& row : matrix) {
    for (const Json& value : row) flat.push_back(value.get<double>());
  }
  return at::tensor(flat, at::kDouble);
}

// Rows [first, last) of a golden case. Padding is packed too, masked: it must not matter.
LossBatch Pack(const Json& inputs, size_t first, size_t last) {
  const auto rows = [&](const char* key) {
    Json part = Json::array();
    for (size_t row = first; row < last; ++row) part.push_back(inputs[key][row]);
    return part;
  };
  LossBatch batch;
  batch.logp = Flat(rows("logp")).set_requires_grad(true);
  batch.old_logp = Flat(rows("old_logp"));
  if (inputs.contains("ref_logp")) batch.ref_logp = Flat(rows("ref_logp"));
  batch.mask = Flat(rows("mask")).to(at::kBool);
  std::vector<int64_t> sequence;
  std::vector<double> advantages;
  for (size_t row = first; row < last; ++row) {
    const size_t length = inputs["logp"][row].size();
    sequence.insert(sequence.end(), length, static_cast<int64_t>(row - first));
    advantages.insert(advantages.end(), length, inputs["advantages"][row].get<double>());
  }
  batch.sequence = at::tensor(sequence, at::kLong);
  batch.advantages = at::tensor(advantages, at::kDouble);
  batch.num_sequences = static_cast<int64_t>(last - first);
  return batch;
}

LossOptions OptionsOf(const Json& hyper) {
  LossOptions options;
  options.clip_low = hyper.value("eps_low", 0.2);
  options.clip_high = hyper.value("eps_high", 0.2);
  options.kl_coef = hyper.value("beta", 0.0);
  options.constant_length = hyper.value("L_max", int64_t{0});
  const std::string aggregation = hyper["agg"];
  options.normalizer = aggregation == "token_mean"      ? LossNormalizer::kTokenMean
                       : aggregation == "sequence_mean" ? LossNormalizer::kSequenceMean
                                                        : LossNormalizer::kConstant;
  const std::string kl = hyper.value("kl", "k3");
  options.kl_estimator = kl == "k1" ? KlEstimator::kK1 : kl == "k2" ? KlEstimator::kK2 : KlEstimator::kK3;
  return options;
}

void ExpectNear(double value, double expected) {
  EXPECT_NEAR(value, expected, 1e-10 * std::max(1.0, std::abs(expected)));
}

TEST(LossGoldenTest, EqualsTheReference) {
  const Json cases = testing::MustReadJson(testing::GoldenPath("algorithms/losses.json"));
  ASSERT_EQ(cases.size(), 14u);
  for (const Json& golden : cases) {
    SCOPED_TRACE(golden["name"].get<std::string>());
    const Json& hyper = golden["hyper"];
    const LossBatch batch = Pack(golden["inputs"], 0, golden["inputs"]["logp"].size());
    const LossScale scale = {hyper.value("num_tokens", batch.mask.sum().item<int64_t>()), batch.num_sequences};
    const LossReport report = GrpoLoss(batch, scale, OptionsOf(hyper));
    report.loss.backward();
    ExpectNear(report.loss.item<double>(), golden["loss"]);
    const at::Tensor gradient = Flat(golden["dloss_dlogp"]);
    EXPECT_TRUE(at::allclose(batch.logp.grad(), gradient, 1e-10, 1e-10)) << batch.logp.grad() - gradient;
    const Json& metrics = golden["metrics"];
    const double tokens = std::max(report.sums.tokens, 1.0);
    ExpectNear(report.sums.tokens, metrics["live_tokens"]);
    ExpectNear(report.sums.clipped_low / tokens, metrics["clip_share_low"]);
    ExpectNear(report.sums.clipped_high / tokens, metrics["clip_share_high"]);
    ExpectNear(report.sums.ratio_max, metrics["ratio_max"]);
  }
}

TEST(LossGoldenTest, MicroBatchesAddUpToTheFullLoss) {
  const Json golden = testing::MustReadJson(testing::GoldenPath("algorithms/micro_batches.json"));
  const LossOptions options = OptionsOf(golden["hyper"]);
  const Json& inputs = golden["inputs"];
  const size_t rows = inputs["logp"].size();
  const size_t cut = golden["rows_of_first_micro_batch"];
  const LossScale scale = {golden["num_tokens"], static_cast<int64_t>(rows)};
  const double full = GrpoLoss(Pack(inputs, 0, rows), scale, options).loss.item<double>();
  const double first = GrpoLoss(Pack(inputs, 0, cut), scale, options).loss.item<double>();
  const double second = GrpoLoss(Pack(inputs, cut, rows), scale, options).loss.item<double>();
  ExpectNear(full, golden["full_loss"]);
  ExpectNear(first, golden["micro_losses_global_count"][0]);
  ExpectNear(second, golden["micro_losses_global_count"][1]);
  ExpectNear(first + second, full);
  EXPECT_GT(std::abs(golden["wrong_mean_of_micro_means"].get<double>() - full), 0.01);
}

}  // namespace
}  // namespace plumb
