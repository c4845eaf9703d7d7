#include "policy/kernels/cpu/expert_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace plumb::cpu {
namespace {

using ::testing::ElementsAre;

std::vector<int64_t> Chosen(ExpertChoice choice, const std::vector<float>& scores) {
  std::vector<int64_t> experts(choice.per_row, -1);
  choice.scores = scores.data();
  choice.num_experts = static_cast<int64_t>(scores.size());
  choice.experts = experts.data();
  ChooseExperts(choice, 0, 1);
  return experts;
}

TEST(ExpertChoiceTest, TheLargestInTheOrderOfTheirIndices) {
  EXPECT_THAT(Chosen({.per_row = 2}, {0.1f, 0.9f, 0.2f, 0.8f}), ElementsAre(1, 3));
  EXPECT_THAT(Chosen({.per_row = 2}, {0.5f, 0.9f, 0.5f, 0.5f}), ElementsAre(0, 1));
  const float none = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(Chosen({.per_row = 2}, {none, 0.1f, 0.2f, none}), ElementsAre(1, 2));
}

TEST(ExpertChoiceTest, OnlyTheBestGroupsAreOpen) {
  const std::vector<float> scores = {0.9f, 0.0f, 0.5f, 0.6f};
  ExpertChoice choice = {.per_row = 2, .num_groups = 2, .groups_per_row = 1};
  EXPECT_THAT(Chosen(choice, scores), ElementsAre(0, 1));
  choice.two_best = true;
  EXPECT_THAT(Chosen(choice, scores), ElementsAre(2, 3));
}

TEST(ExpertWeightsTest, SharesAndFactor) {
  const std::vector<float> scores = {0.25f, 0.5f, 0.25f, 0.75f};
  const std::vector<int64_t> experts = {0, 3};
  std::vector<float> weights(2);
  ExpertWeights rows = {.scores = scores.data(),
                        .experts = experts.data(),
                        .weights = weights.data(),
                        .num_experts = 4,
                        .per_row = 2,
                        .factor = 2.0f};
  WeighExperts(rows, 0, 1);
  EXPECT_THAT(weights, ElementsAre(0.5f, 1.5f));
  rows.normalise = true;
  WeighExperts(rows, 0, 1);
  EXPECT_THAT(weights, ElementsAre(0.5f, 1.5f));  // the sum is 1
  rows.sum_epsilon = 1.0f;
  WeighExperts(rows, 0, 1);
  EXPECT_THAT(weights, ElementsAre(0.25f, 0.75f));
}

TEST(ExpertOrderTest, ByExpertThenByRow) {
  const std::vector<int64_t> experts = {1, 3, 0, 1, 1, 3};  // three rows of two
  std::vector<int64_t> starts(5), rows(6), places(6);
  SortByExpert({experts.data(), 3, 2, 4, starts.data(), rows.data(), places.data()});
  EXPECT_THAT(starts, ElementsAre(0, 1, 4, 4, 6));
  EXPECT_THAT(rows, ElementsAre(1, 0, 1, 2, 0, 2));
  EXPECT_THAT(places, ElementsAre(1, 4, 0, 2, 3, 5));
}

}  // namespace
}  // namespace plumb::cpu
