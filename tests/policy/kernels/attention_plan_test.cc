#include "policy/kernels/attention_plan.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace plumb {
namespace {

using ::testing::ElementsAre;

PackedTokens TokensOfLengths(const std::vector<int64_t>& lengths) {
  std::vector<std::vector<int64_t>> sequences;
  for (const int64_t length : lengths) sequences.emplace_back(length, 1);
  return PackSequences(sequences);
}

TEST(AttentionPlanTest, OwnLatentsAreBlocksFromEachSequencesStart) {
  const AttentionPlan plan = PlanAttention(TokensOfLengths({70, 3, 129}), KvView::Own(), 2);
  EXPECT_THAT(plan.units->block_rows, ElementsAre(0, 64, 70, 73, 137, 201));
  EXPECT_FALSE(plan.slots.defined());
  EXPECT_TRUE(plan.padded.batches.empty());
}

TEST(AttentionPlanTest, PagesAreBlocksAndNewTokensHaveSlots) {
  LatentCache cache = *LatentCache::Create({1, 2, at::kFloat}, 9, at::kCPU);
  PackedTokens tokens = TokensOfLengths({1, 2});
  tokens.positions = at::tensor({5, 63, 64}, at::kLong);
  const AttentionPlan plan = PlanAttention(tokens, {&cache, {{7}, {3, 8, 2}}}, 1);
  EXPECT_TRUE(plan.slots.equal(at::tensor({7 * 64 + 5, 3 * 64 + 63, 8 * 64}, at::kLong)));
  EXPECT_THAT(plan.units->block_rows, ElementsAre(7 * 64, 3 * 64, 8 * 64));
  EXPECT_EQ(plan.units->sequences[1].first_position, 63);
}

TEST(AttentionPlanDeathTest, ASequenceWithoutItsPages) {
  LatentCache cache = *LatentCache::Create({1, 2, at::kFloat}, 9, at::kCPU);
  PackedTokens tokens = TokensOfLengths({1});
  tokens.positions = at::tensor({64}, at::kLong);
  EXPECT_DEATH(PlanAttention(tokens, {&cache, {{7}}}, 1), "sequence 0 has 1 pages, expected 2");
}

}  // namespace
}  // namespace plumb
