#include "base/philox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace plumb {
namespace {

using ::testing::ElementsAre;

// Known answers of the Random123 distribution (kat_vectors, philox4x32 10).
TEST(PhiloxGoldenTest, MeetsTheKnownAnswers) {
  EXPECT_THAT(Philox4x32({0, 0, 0, 0}, {0, 0}), ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(Philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
              ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

TEST(PhiloxTest, UniformsNeverReachTheEnds) {
  EXPECT_GT(UniformFromBits(0), 0.0f);
  EXPECT_LT(UniformFromBits(0xffffffff), 1.0f);
}

TEST(PhiloxTest, EveryFieldOfTheSeedChangesTheKey) {
  const SeedKey base;
  std::set<std::array<uint32_t, 2>> keys = {PhiloxKey(base)};
  for (int field = 0; field < 5; ++field) {
    SeedKey other;
    other.run_seed = field == 0;
    other.domain = field == 1;
    other.row_key = field == 2;
    other.visit = field == 3;
    other.sample_index = field == 4;
    keys.insert(PhiloxKey(other));
  }
  EXPECT_EQ(keys.size(), 6);
}

// Request seed 7, sibling 1 must not be request seed 8, sibling 0.
TEST(PhiloxPropertyTest, NeighbouringSeedsAndSamplesNeverMeet) {
  std::set<std::array<uint32_t, 2>> keys;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    for (uint64_t sample = 0; sample < 100; ++sample) {
      keys.insert(PhiloxKey({.run_seed = seed, .sample_index = sample}));
    }
  }
  EXPECT_EQ(keys.size(), 10'000);
}

TEST(PhiloxPropertyTest, UniformsFillTheirRangeEvenly) {
  constexpr int kBins = 16;
  constexpr int kDraws = 160'000;
  std::array<int, kBins> counts = {};
  const auto key = PhiloxKey({.run_seed = 3, .row_key = RowKey("row")});
  for (int i = 0; i < kDraws; ++i) ++counts[static_cast<int>(UniformAt(key, i, 0) * kBins)];
  double chi_square = 0;
  for (const int count : counts) {
    const double expected = static_cast<double>(kDraws) / kBins;
    chi_square += (count - expected) * (count - expected) / expected;
  }
  EXPECT_LT(chi_square, 37.7);  // 15 degrees of freedom, p = 0.001
}

TEST(PhiloxTest, DrawsOfOnePositionDiffer) {
  const auto key = PhiloxKey({});
  std::set<float> draws;
  for (uint32_t draw = 0; draw < 9; ++draw) draws.insert(UniformAt(key, 5, draw));
  EXPECT_EQ(draws.size(), 9);
}

}  // namespace
}  // namespace plumb
