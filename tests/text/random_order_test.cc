#include "text/random_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace plumb {
namespace {

std::vector<int64_t> Take(RandomOrder& order, int count) {
  std::vector<int64_t> rows;
  for (int i = 0; i < count; ++i) rows.push_back(order.Next());
  return rows;
}

TEST(RandomOrderTest, EachEpochIsAnotherPermutation) {
  RandomOrder order(50, /*seed=*/7);
  const std::vector<int64_t> first = Take(order, 50);
  EXPECT_EQ(order.epoch(), 1);
  const std::vector<int64_t> second = Take(order, 50);
  std::vector<int64_t> all(50);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_THAT(first, ::testing::UnorderedElementsAreArray(all));
  EXPECT_THAT(second, ::testing::UnorderedElementsAreArray(all));
  EXPECT_NE(first, second);
  EXPECT_NE(first, all);
}

TEST(RandomOrderTest, GoesOnFromAPosition) {
  RandomOrder whole(9, /*seed=*/3);
  Take(whole, 13);
  RandomOrder resumed(9, /*seed=*/3);
  resumed.Seek(13);
  EXPECT_EQ(Take(resumed, 20), Take(whole, 20));
}

TEST(RandomOrderTest, TheSeedDecides) {
  RandomOrder a(30, /*seed=*/1), b(30, /*seed=*/2), c(30, /*seed=*/1);
  const std::vector<int64_t> rows = Take(a, 30);
  EXPECT_NE(rows, Take(b, 30));
  EXPECT_EQ(rows, Take(c, 30));
}

TEST(RandomOrderTest, OneRowRepeats) {
  RandomOrder order(1, /*seed=*/0);
  EXPECT_THAT(Take(order, 3), ::testing::ElementsAre(0, 0, 0));
}

}  // namespace
}  // namespace plumb
