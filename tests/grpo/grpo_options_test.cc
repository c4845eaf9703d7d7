#include "grpo/grpo_options.h"

#include <gmock/gmock.h>

#include "base/config.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

proto::GrpoConfig Parse(const std::vector<std::string>& overrides) {
  proto::GrpoConfig config;
  const auto sources = ParseConfig("model: m\noutput: o\ndata: {file: f}\n", "test", overrides, config);
  EXPECT_TRUE(sources.ok()) << sources.status();
  return config;
}

TEST(GrpoOptionsTest, DefaultsAreThoseOfTheSchema) {
  const UpdateOptions update = UpdateOf(Parse({}), 7);
  EXPECT_EQ(update.num_ids, 7);
  EXPECT_DOUBLE_EQ(update.loss.clip_low, 0.2);
  EXPECT_DOUBLE_EQ(update.loss.clip_high, 0.28);
  EXPECT_EQ(update.loss.normalizer, LossNormalizer::kTokenMean);
  EXPECT_EQ(update.loss.constant_length, 256);
  EXPECT_EQ(update.loss.kl_estimator, KlEstimator::kK3);
  EXPECT_DOUBLE_EQ(update.max_grad_norm, 1.0);
  EXPECT_FALSE(AdvantagesOf(Parse({}).algorithm()).divide_by_std);
}

TEST(GrpoOptionsTest, ReadsEveryField) {
  const proto::GrpoConfig config =
      Parse({"algorithm.normalizer=constant", "algorithm.constant_length=9", "algorithm.kl_estimator=k2",
             "algorithm.kl_coef=0.1", "algorithm.advantage_std=group", "algorithm.advantage_epsilon=0.01",
             "sampling.temperature=0.5", "sampling.stop_ids=[3]", "sampling.stop_strings=[x]", "optimizer.beta2=0.95",
             "micro_batch_tokens=77"});
  const UpdateOptions update = UpdateOf(config, 0);
  EXPECT_EQ(update.loss.normalizer, LossNormalizer::kConstant);
  EXPECT_EQ(update.loss.constant_length, 9);
  EXPECT_EQ(update.loss.kl_estimator, KlEstimator::kK2);
  EXPECT_DOUBLE_EQ(update.loss.kl_coef, 0.1);
  EXPECT_DOUBLE_EQ(update.temperature, 0.5);
  EXPECT_DOUBLE_EQ(update.adamw.beta2, 0.95);
  EXPECT_EQ(update.micro_batch_tokens, 77);
  const AdvantageOptions advantages = AdvantagesOf(config.algorithm());
  EXPECT_TRUE(advantages.divide_by_std);
  EXPECT_DOUBLE_EQ(advantages.epsilon, 0.01);
  const SamplingOptions sampling = SamplingOf(config.sampling());
  EXPECT_EQ(sampling.stop_ids, std::vector<int64_t>{3});
  EXPECT_EQ(sampling.stop_strings, std::vector<std::string>{"x"});
}

}  // namespace
}  // namespace plumb
