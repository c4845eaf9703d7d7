#include "policy/kernels/cpu/attention_units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "policy/kernels/cpu/numerics.h"

namespace plumb::cpu {
namespace {

using ::testing::ElementsAre;

// A sequence that decodes the token after its `pages`, given by their numbers.
struct Decode {
  int64_t position;
  std::vector<int64_t> pages;
};

AttentionUnits UnitsOf(const std::vector<Decode>& decodes, int64_t num_heads, int64_t num_threads) {
  std::vector<AttentionSpan> sequences;
  std::vector<int64_t> rows;
  for (const Decode& decode : decodes) {
    const int64_t token = static_cast<int64_t>(sequences.size());
    sequences.push_back(
        {token, 1, decode.position, static_cast<int64_t>(rows.size()), decode.position / kKeyBlock + 1});
    for (const int64_t page : decode.pages) rows.push_back(page * kKeyBlock);
  }
  return MakeAttentionUnits(sequences, rows, num_heads, num_threads);
}

TEST(AttentionUnitsTest, NeighboursThatShareTheirFirstPagesComeIntoOneUnit) {
  const AttentionUnits units =
      UnitsOf({{140, {5, 6, 7}}, {150, {5, 6, 8}}, {130, {5, 6, 9}}, {20, {3}}}, /*num_heads=*/8, /*num_threads=*/1);
  ASSERT_EQ(units.units.size(), 2);
  EXPECT_EQ(units.units[0].num_spans, 3);
  EXPECT_EQ(units.units[0].shared_blocks, 2);
  EXPECT_EQ(units.units[0].num_blocks, 3);
  EXPECT_EQ(units.units[1].num_spans, 1);
}

TEST(AttentionUnitsTest, APageThatAMemberSeesInPartIsNotShared) {
  const AttentionUnits units = UnitsOf({{127, {5, 6}}, {126, {5, 6}}}, 8, 1);
  ASSERT_EQ(units.units.size(), 1);
  EXPECT_EQ(units.units[0].shared_blocks, 1);
}

TEST(AttentionUnitsTest, ALongRunOfSharedPagesIsKeptFromAMemberWithFew) {
  const AttentionUnits units = UnitsOf({{300, {1, 2, 3, 4, 5}}, {300, {1, 2, 3, 4, 6}}, {300, {1, 7, 8, 9, 10}}}, 8, 1);
  ASSERT_EQ(units.units.size(), 2);
  EXPECT_EQ(units.units[0].shared_blocks, 4);
}

TEST(AttentionUnitsTest, ALongContextAloneIsCutIntoSplitsForThreads) {
  std::vector<int64_t> pages(20);
  for (int64_t i = 0; i < 20; ++i) pages[i] = i;
  EXPECT_TRUE(UnitsOf({{1279, pages}}, 8, /*num_threads=*/1).splits.empty());
  const AttentionUnits units = UnitsOf({{1279, pages}}, 8, /*num_threads=*/2);
  EXPECT_EQ(units.splits.size(), 20 / kBlocksPerSplit);
  EXPECT_THAT(units.first_split, ElementsAre(0, 20 / kBlocksPerSplit));
  EXPECT_EQ(units.splits[1].first_row, 8);
}

TEST(AttentionUnitsTest, ManyHeadsOfOneTokenAreSharedOut) {
  const AttentionUnits units = UnitsOf({{50, {1}}}, /*num_heads=*/128, /*num_threads=*/2);
  EXPECT_EQ(units.units.size(), 4);
  EXPECT_EQ(units.units[3].first_head, 96);
}

// Tokens of a unit; its spans have to lie one after the other.
std::vector<int64_t> TokensOf(const AttentionUnits& units, const AttentionUnit& unit) {
  std::vector<int64_t> tokens;
  const int64_t first = units.spans[unit.first_span].first_token;
  for (int64_t i = 0; i < unit.num_spans; ++i) {
    const AttentionSpan& span = units.spans[unit.first_span + i];
    EXPECT_EQ(span.num_blocks, span.last_position() / kKeyBlock + 1);
    EXPECT_EQ(span.first_token, first + static_cast<int64_t>(tokens.size()));
    for (int64_t token = 0; token < span.num_tokens; ++token) tokens.push_back(span.first_token + token);
  }
  EXPECT_EQ(static_cast<int64_t>(tokens.size()), unit.num_tokens);
  return tokens;
}

void ExpectEveryRowOnce(const AttentionUnits& units, int64_t num_tokens, int64_t num_heads) {
  std::multiset<std::pair<int64_t, int64_t>> rows;
  for (const AttentionUnit& unit : units.units) {
    for (const int64_t token : TokensOf(units, unit)) {
      for (int64_t head = 0; head < unit.num_heads; ++head) rows.emplace(token, unit.first_head + head);
    }
  }
  EXPECT_EQ(rows.size(), static_cast<size_t>(num_tokens * num_heads));
  EXPECT_EQ(std::set(rows.begin(), rows.end()).size(), rows.size());
}

TEST(AttentionUnitsPropertyTest, EveryRowIsInOneUnit) {
  std::mt19937 random(5);
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<AttentionSpan> sequences;
    std::vector<int64_t> blocks;
    int64_t tokens = 0;
    for (int64_t count = 1 + random() % 12; count > 0; --count) {
      const int64_t length = random() % 2 == 0 ? 1 : 1 + random() % 200;
      AttentionSpan span{tokens, length, static_cast<int64_t>(random() % 300), static_cast<int64_t>(blocks.size()), 0};
      span.num_blocks = span.last_position() / kKeyBlock + 1;
      for (int64_t i = 0; i < span.num_blocks; ++i) blocks.push_back(kKeyBlock * (i < 2 ? i : random() % 50));
      sequences.push_back(span);
      tokens += length;
    }
    const int64_t heads = 1 + random() % 130;
    ExpectEveryRowOnce(MakeAttentionUnits(sequences, blocks, heads, 1 + random() % 4), tokens, heads);
  }
}

}  // namespace
}  // namespace plumb::cpu
