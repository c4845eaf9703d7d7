#include "policy/kernels/padded_attention.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/kernels/attention_plan.h"
#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

PackedTokens TokensOfLengths(const std::vector<int64_t>& lengths) {
  std::vector<std::vector<int64_t>> sequences;
  for (const int64_t length : lengths) sequences.emplace_back(length, 1);
  return PackSequences(sequences);
}

PaddedAttention Pad(const PackedTokens& tokens, const KvView& view, int64_t num_heads) {
  const AttentionPlan plan = PlanAttention(tokens, view, num_heads);
  return PadAttention(plan.units->sequences, plan.units->block_rows, plan.cached, num_heads);
}

TEST(PaddedAttentionTest, EqualLengthsNeedNoGather) {
  const PaddedAttention plan = Pad(TokensOfLengths({4, 4, 4}), KvView::Own(), 2);
  ASSERT_EQ(plan.batches.size(), 1);
  EXPECT_FALSE(plan.batches[0].rows.defined());
  EXPECT_FALSE(plan.places.defined());
  EXPECT_EQ(plan.batches[0].num_sequences, 3);
  EXPECT_EQ(plan.batches[0].positions.size(0), 1);
}

TEST(PaddedAttentionTest, ShorterSequencesArePadded) {
  const PaddedAttention plan = Pad(TokensOfLengths({1, 3}), KvView::Own(), 2);
  ASSERT_EQ(plan.batches.size(), 1);
  EXPECT_TRUE(plan.batches[0].rows.equal(at::tensor({1, 2, 3, 0, -1, -1}, at::kLong)));
  EXPECT_TRUE(plan.places.equal(at::tensor({3, 0, 1, 2}, at::kLong)));
}

TEST(PaddedAttentionPropertyTest, PaddingStaysBoundedInFewBatches) {
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < 512; ++i) lengths.push_back(20 + (i * 37) % 41);
  const PaddedAttention plan = Pad(TokensOfLengths(lengths), KvView::Own(), 4);
  int64_t padded = 0;
  for (const AttentionBatch& batch : plan.batches) padded += batch.num_sequences * batch.num_queries;
  EXPECT_LE(plan.batches.size(), 6);
  EXPECT_LE(padded, plan.places.size(0) * 5 / 4);
}

TEST(PaddedAttentionPropertyTest, ABatchHoldsABoundedNumberOfScores) {
  const PaddedAttention plan = Pad(TokensOfLengths(std::vector<int64_t>(64, 512)), KvView::Own(), 16);
  for (const AttentionBatch& batch : plan.batches) {
    EXPECT_LE(batch.num_sequences * batch.num_queries * batch.num_keys * 16, kMaxScores);
  }
}

TEST(PaddedAttentionTest, PageTablesOfACache) {
  LatentCache cache = *LatentCache::Create({1, 2, at::kFloat}, 9, at::kCPU);
  PackedTokens tokens = TokensOfLengths({1, 2});
  tokens.positions = at::tensor({5, 63, 64}, at::kLong);
  const PaddedAttention plan = Pad(tokens, {&cache, {{7}, {3, 8}}}, 1);
  ASSERT_EQ(plan.batches.size(), 1);
  EXPECT_TRUE(plan.batches[0].page_table.equal(testing::Matrix({{3, 8}, {7, 0}}, at::kInt)));
  EXPECT_TRUE(plan.batches[0].lengths.equal(at::tensor({65, 6}, at::kInt)));
}

}  // namespace
}  // namespace plumb
