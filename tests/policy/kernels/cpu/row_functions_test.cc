#include "policy/kernels/cpu/row_functions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "policy/kernels/cpu/numerics.h"
#include "tests/policy/exactness/each_isa.h"

namespace plumb::cpu {
namespace {

std::vector<float> ScoresOf(const std::vector<float>& logits, bool softmax) {
  std::vector<float> scores(logits.size());
  ActiveRowFunctions().scores({logits.data(), scores.data(), static_cast<int64_t>(logits.size()), softmax}, 0, 1);
  return scores;
}

TEST(RowFunctionsTest, SigmoidIsAccurateOverItsWholeRange) {
  testing::ForEachIsa([](Isa) {
    std::vector<float> logits;
    for (float x = -86.0f; x < 86.0f; x += 0.0371f) logits.push_back(x);
    const std::vector<float> scores = ScoresOf(logits, /*softmax=*/false);
    for (size_t i = 0; i < logits.size(); ++i) {
      const double exact = 1.0 / (1.0 + std::exp(-static_cast<double>(logits[i])));
      EXPECT_NEAR(scores[i] / exact, 1.0, 4e-7) << logits[i];
    }
  });
}

TEST(RowFunctionsTest, SoftmaxOfFarApartLogits) {
  testing::ForEachIsa([](Isa) {
    const std::vector<float> scores = ScoresOf({0.0f, -200.0f, std::log(3.0f)}, /*softmax=*/true);
    EXPECT_NEAR(scores[0], 0.25, 1e-7);
    EXPECT_EQ(scores[1], 0.0f);
    EXPECT_NEAR(scores[2], 0.75, 1e-7);
  });
}

TEST(RowFunctionsTest, NotANumberStaysSo) {
  testing::ForEachIsa([](Isa) {
    for (const bool softmax : {false, true}) {
      std::vector<float> logits(20, 1.0f);
      logits[3] = std::numeric_limits<float>::quiet_NaN();
      EXPECT_TRUE(std::isnan(ScoresOf(logits, softmax)[3])) << softmax;
    }
  });
}

TEST(RowFunctionsTest, ChunksOfTheVocabularyHaveTheirOwnSums) {
  testing::ForEachIsa([](Isa) {
    const int64_t width = kVocabularyChunk + 5;
    std::vector<float> logits(width, -1.0f);
    logits[7] = 3.0f;
    std::vector<ChunkSums> sums(2);
    ActiveRowFunctions().chunk_sums({logits.data(), width, width, /*temperature=*/2.0f, sums.data(), 2}, 0, 1);
    EXPECT_EQ(sums[0].largest, 1.5f);
    EXPECT_NEAR(sums[0].sum, 1.0 + 255 * std::exp(-2.0), 1e-4);
    EXPECT_NEAR(sums[0].weighted, -2.0 * 255 * std::exp(-2.0), 1e-4);
    EXPECT_EQ(sums[1].largest, -0.5f);
    EXPECT_EQ(sums[1].sum, 5.0f);
    EXPECT_EQ(sums[1].weighted, 0.0f);
  });
}

TEST(RowFunctionsTest, LogitGradientIsOneAtTheTargetLessTheProbability) {
  testing::ForEachIsa([](Isa) {
    const float log_sum = std::log(2.0f);
    const float factor = 10.0f;
    for (const int64_t target : {-4, 1, 2}) {
      std::vector<float> logits = {0.0f, 0.0f};
      ActiveRowFunctions().logit_gradient({logits.data(), logits.data(), 2, 1.0f, &log_sum, &factor, &target}, 0, 1);
      EXPECT_NEAR(logits[0], -5.0, 1e-5);
      EXPECT_NEAR(logits[1], target == 1 ? 5.0 : -5.0, 1e-5);
    }
  });
}

TEST(RowFunctionsTest, CombineAddsInTheOrderOfTheChoices) {
  testing::ForEachIsa([](Isa) {
    // In float32, (1e8 - 1e8) + 1 is 1 and (1e8 + 1) - 1e8 is 0.
    const std::vector<float> outputs = {1e8f, 1.0f, -1e8f};
    const std::vector<float> weights = {1.0f, 1.0f, 1.0f};
    float y = -1;
    for (const auto& [places, expected] :
         std::vector<std::pair<std::vector<int64_t>, float>>{{{0, 2, 1}, 1.0f}, {{0, 1, 2}, 0.0f}}) {
      ActiveRowFunctions().combine({outputs.data(), places.data(), weights.data(), &y, 1, 3, FloatType::kFloat32}, 0,
                                   1);
      EXPECT_EQ(y, expected);
    }
  });
}

// One token with two choices; the outputs' places are swapped.
TEST(RowFunctionsTest, CombineGradientByHand) {
  testing::ForEachIsa([](Isa) {
    const std::vector<float> gradient = {1.0f, 2.0f, -1.0f};
    const std::vector<float> outputs = {4.0f, 0.0f, 1.0f, 5.0f, 6.0f, 7.0f};
    const std::vector<int64_t> places = {1, 0};
    const std::vector<float> weights = {0.5f, 3.0f};
    std::vector<float> d_outputs(6), d_weights(2);
    ActiveRowFunctions().combine_gradient({.gradient = gradient.data(),
                                           .outputs = outputs.data(),
                                           .places = places.data(),
                                           .weights = weights.data(),
                                           .d_outputs = d_outputs.data(),
                                           .d_weights = d_weights.data(),
                                           .width = 3,
                                           .per_row = 2},
                                          0, 1);
    EXPECT_EQ(d_outputs, (std::vector<float>{3.0f, 6.0f, -3.0f, 0.5f, 1.0f, -0.5f}));
    EXPECT_EQ(d_weights, (std::vector<float>{10.0f, 3.0f}));
  });
}

}  // namespace
}  // namespace plumb::cpu
