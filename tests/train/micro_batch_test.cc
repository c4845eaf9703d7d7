#include "train/micro_batch.h"

#include <gmock/gmock.h>

namespace plumb {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(MicroBatchTest, FillsUpToTheLimitLongestFirst) {
  // 7 + 3, 5 + 4 + 1, 3 + 2.
  EXPECT_THAT(SplitIntoMicroBatches({7, 5, 4, 3, 3, 2, 1}, 10),
              ElementsAre(ElementsAre(0, 3), ElementsAre(1, 2, 6), ElementsAre(4, 5)));
}

TEST(MicroBatchTest, AllRowsThatFitStayTogether) {
  EXPECT_THAT(SplitIntoMicroBatches({1, 3, 2}, 6), ElementsAre(ElementsAre(0, 1, 2)));
}

TEST(MicroBatchTest, ALongRowIsAlone) {
  EXPECT_THAT(SplitIntoMicroBatches({2, 50, 2}, 10), ElementsAre(ElementsAre(0, 2), ElementsAre(1)));
}

TEST(MicroBatchTest, NoRowsMakeNoBatches) { EXPECT_THAT(SplitIntoMicroBatches({}, 10), IsEmpty()); }

}  // namespace
}  // namespace plumb
