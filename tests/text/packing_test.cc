#include "text/packing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::testing::ElementsAre;
using Bins = std::vector<std::vector<int64_t>>;

TEST(PackBestFitGoldenTest, PacksAsTheReference) {
  const Json golden = testing::MustReadJson(testing::GoldenPath("sft/packing.json"));
  for (const Json& row : golden["best_fit_decreasing"]) {
    const auto lengths = row["lengths"].get<std::vector<int64_t>>();
    EXPECT_EQ(PackBestFit(lengths, row["limit"].get<int64_t>()), row["bins"].get<Bins>());
  }
}

TEST(PackBestFitTest, GivesADocumentThatIsTooLongItsOwnBin) {
  EXPECT_THAT(PackBestFit({12, 3}, 10), ElementsAre(ElementsAre(0), ElementsAre(1)));
}

TEST(PackBestFitTest, PacksNothingIntoNothing) { EXPECT_THAT(PackBestFit({}, 10), ElementsAre()); }

}  // namespace
}  // namespace plumb
