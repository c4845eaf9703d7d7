#include "grpo/group_advantages.h"

#include <gmock/gmock.h>

#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using Rewards = std::vector<std::optional<double>>;
using ::testing::DoubleNear;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Pointwise;

constexpr AdvantageOptions kMeanOnly = {.divide_by_std = false};
constexpr AdvantageOptions kGroupStd = {.divide_by_std = true, .epsilon = 1e-4};

MATCHER(NearlyEqual, "") {
  const double expected = std::get<1>(arg);
  return std::abs(std::get<0>(arg) - expected) <= 1e-10 * std::max(1.0, std::abs(expected));
}

TEST(GroupAdvantagesTest, CentresTheGroupOnItsOwnMean) {
  EXPECT_THAT(GroupAdvantages(Rewards{1, 0, 5, 2}, kMeanOnly), ElementsAre(-1, -2, 3, 0));
}

TEST(GroupAdvantagesTest, DividesByTheDeviationOverOneLess) {
  const std::vector<double> advantages = GroupAdvantages(Rewards{1, 0, 0, 1, 0, 0, 0, 0}, kGroupStd);
  EXPECT_NEAR(advantages[0], 1.619835, 1e-6);
  EXPECT_NEAR(advantages[1], -0.539945, 1e-6);
  const std::vector<double> small_epsilon =
      GroupAdvantages(Rewards{1, 0, 0, 1, 0, 0, 0, 0}, {.divide_by_std = true, .epsilon = 1e-6});
  EXPECT_NEAR(small_epsilon[0], 1.620182, 1e-6);
}

TEST(GroupAdvantagesTest, LeavesOutWhatHasNoReward) {
  const std::vector<double> advantages = GroupAdvantages(Rewards{1, std::nullopt, 0, 1}, kGroupStd);
  EXPECT_THAT(advantages,
              ElementsAre(DoubleNear(0.577250, 1e-6), 0, DoubleNear(-1.154501, 1e-6), DoubleNear(0.577250, 1e-6)));
}

TEST(GroupAdvantagesTest, EqualRewardsGiveExactlyZero) {
  // Seven times 0.7 have a mean that is not 0.7 in binary; a division by their deviation would give 0.8.
  const float rounded = 0.7f;
  EXPECT_THAT(GroupAdvantages(Rewards(7, rounded), {.divide_by_std = true, .epsilon = 1e-8}), Each(0.0));
  EXPECT_THAT(GroupAdvantages(Rewards(7, 0.7), kMeanOnly), Each(0.0));
}

TEST(GroupAdvantagesTest, OneRewardGivesZero) {
  EXPECT_THAT(GroupAdvantages(Rewards{5}, kGroupStd), ElementsAre(0));
  EXPECT_THAT(GroupAdvantages(Rewards{5, std::nullopt}, kMeanOnly), ElementsAre(0, 0));
  EXPECT_THAT(GroupAdvantages(Rewards{std::nullopt, std::nullopt}, kMeanOnly), ElementsAre(0, 0));
}

TEST(GroupAdvantagesTest, CountsZeroStdOnlyWithARewardInIt) {
  EXPECT_TRUE(StatisticsOf(Rewards{0.1, 0.1, std::nullopt}).zero_std);
  EXPECT_TRUE(StatisticsOf(Rewards{1, std::nullopt}).zero_std);
  EXPECT_FALSE(StatisticsOf(Rewards{std::nullopt}).zero_std);
  EXPECT_FALSE(StatisticsOf(Rewards{0, 1}).zero_std);
}

TEST(GroupAdvantagesPropertyTest, AddingAConstantChangesNothing) {
  EXPECT_THAT(GroupAdvantages(Rewards{11, 10, 15, 12}, kGroupStd),
              Pointwise(NearlyEqual(), GroupAdvantages(Rewards{1, 0, 5, 2}, kGroupStd)));
}

// Splits a golden case's rewards into its groups, which lie one after the other: a group ends where it has its number
// of valid members, the last one at the end; one without a valid member is the missing rewards before the next.
std::vector<Rewards> SplitGroups(const Json& golden) {
  std::vector<Rewards> groups;
  size_t next = 0;
  for (const auto& [name, statistics] : golden["groups"].items()) {
    const int valid = statistics["valid"].get<int>();
    const bool last = groups.size() + 1 == golden["groups"].size();
    Rewards group;
    int found = 0;
    for (; next < golden["rewards"].size(); ++next) {
      const Json& reward = golden["rewards"][next];
      if (!last && found == valid && !(valid == 0 && reward.is_null())) break;
      found += reward.is_null() ? 0 : 1;
      group.push_back(reward.is_null() ? std::nullopt : std::optional<double>(reward.get<double>()));
    }
    groups.push_back(group);
  }
  return groups;
}

TEST(GroupAdvantagesGoldenTest, EqualsTheReference) {
  const Json cases = testing::MustReadJson(testing::GoldenPath("algorithms/advantages.json"));
  ASSERT_GE(cases.size(), 60u);
  for (const Json& golden : cases) {
    SCOPED_TRACE(golden["case"].get<std::string>() + ", " + golden["mode"].get<std::string>());
    const AdvantageOptions options = {.divide_by_std = golden["mode"] == "group", .epsilon = golden["eps"]};
    std::vector<double> advantages;
    int zero_std_groups = 0;
    for (const Rewards& group : SplitGroups(golden)) {
      const std::vector<double> part = GroupAdvantages(group, options);
      advantages.insert(advantages.end(), part.begin(), part.end());
      zero_std_groups += StatisticsOf(group).zero_std ? 1 : 0;
    }
    EXPECT_THAT(advantages, Pointwise(NearlyEqual(), golden["advantages"].get<std::vector<double>>()));
    EXPECT_EQ(zero_std_groups, golden["zero_std_groups"].get<int>());
  }
}

}  // namespace
}  // namespace plumb
