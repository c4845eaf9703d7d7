#include "tools/models/logit_comparison.h"

#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb::cli {
namespace {

using plumb::testing::GoldenPath;
using plumb::testing::StatusIs;
using ::testing::HasSubstr;

TEST(LogitComparisonTest, AModelEqualsItself) {
  const std::string model = GoldenPath("models/v3_norope_fp32");
  ASSERT_OK_AND_ASSIGN(const LogitDifference difference, CompareLogits(model, model));
  EXPECT_EQ(difference.largest, 0.0);
  EXPECT_EQ(difference.same_top, 1.0);
  EXPECT_NEAR(difference.deviation, 2.6, 0.5);
}

TEST(LogitComparisonTest, AMissingFolderIsNamed) {
  EXPECT_THAT(CompareLogits("/nowhere/a", "/nowhere/a"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/a")));
}

}  // namespace
}  // namespace plumb::cli
