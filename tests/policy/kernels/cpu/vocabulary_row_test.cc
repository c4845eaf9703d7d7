#include "policy/kernels/cpu/vocabulary_row.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "tests/policy/exactness/each_isa.h"

namespace plumb::cpu {
namespace {

std::vector<float> SomeLogits(int64_t count) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0.0f, 3.0f);
  std::vector<float> logits(count);
  for (float& logit : logits) logit = normal(random);
  return logits;
}

// Probabilities in double.
std::vector<double> Reference(const std::vector<float>& logits, double temperature) {
  std::vector<double> weights;
  double total = 0;
  for (const float logit : logits) total += weights.emplace_back(std::exp(logit / temperature));
  for (double& weight : weights) weight /= total;
  return weights;
}

TEST(VocabularyRowTest, LogprobsAreThoseOfTheSoftmax) {
  const std::vector<float> logits = SomeLogits(700);  // two whole chunks and a part
  testing::ForEachIsa([&](Isa) {
    for (const float temperature : {1.0f, 0.5f, 2.0f}) {
      const VocabularyRow row(logits.data(), 700, temperature);
      const std::vector<double> reference = Reference(logits, temperature);
      for (int64_t id = 0; id < 700; ++id) EXPECT_NEAR(row.Logprob(id), std::log(reference[id]), 1e-5) << id;
    }
  });
}

TEST(VocabularyRowTest, EachUniformNumberGivesTheIdWhoseShareHoldsIt) {
  const std::vector<float> logits = SomeLogits(700);
  const std::vector<double> reference = Reference(logits, 0.7);
  testing::ForEachIsa([&](Isa) {
    const VocabularyRow row(logits.data(), 700, 0.7f);
    double before = 0;
    for (int64_t id = 0; id < 700; before += reference[id++]) {
      if (reference[id] < 1e-5) continue;  // its edges are within rounding
      for (const double place : {0.1, 0.5, 0.9}) EXPECT_EQ(row.Draw(before + place * reference[id]), id);
    }
  });
}

TEST(VocabularyRowTest, TheEndsOfTheRangeGiveIdsThatCanBe) {
  const float far = -3.0e38f;
  const std::vector<float> logits = {far, 0.0f, far, 0.0f, far};
  const VocabularyRow row(logits.data(), 5, 1.0f);
  EXPECT_EQ(row.Draw(0x1p-60), 1);
  EXPECT_EQ(row.Draw(1.0 - 0x1p-53), 3);
  EXPECT_EQ(row.Draw(1.0), 3);
}

TEST(VocabularySumsTest, ChunksAddUp) {
  VocabularySums sums;
  sums.Add({0.0f, 2.0f, 0.0f});  // two logits of 0
  sums.Add({std::log(2.0f), 1.0f, 0.0f});
  EXPECT_NEAR(sums.log_sum(), std::log(4.0f), 1e-6);
  EXPECT_NEAR(sums.entropy(), 1.5 * std::log(2.0), 1e-6);
}

}  // namespace
}  // namespace plumb::cpu
