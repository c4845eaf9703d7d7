#include "tools/model_place.h"

#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb::cli {
namespace {

using plumb::testing::StatusIs;
using plumb::testing::TestFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(CheckModelPlaceTest, TakesAFolder) {
  const TestFolder folder;
  EXPECT_OK(CheckModelPlace(folder.path()));
}

TEST(CheckModelPlaceTest, ExplainsTheNameOfAHub) {
  EXPECT_THAT(CheckModelPlace("deepseek-ai/DeepSeek-V2-Lite"),
              StatusIs(absl::StatusCode::kNotFound, AllOf(HasSubstr("deepseek-ai/DeepSeek-V2-Lite: no such folder"),
                                                          HasSubstr("download it first"))));
  EXPECT_THAT(CheckModelPlace("/no/such"), StatusIs(absl::StatusCode::kNotFound, Not(HasSubstr("download"))));
}

TEST(CheckModelPlaceTest, PointsFromARunToItsCheckpoint) {
  const TestFolder folder;
  ASSERT_OK(MakeFolder(folder.File("checkpoints/latest")));
  EXPECT_THAT(CheckModelPlace(folder.path()),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("did you mean " + folder.File("checkpoints/latest") + "?")));
}

TEST(CheckModelPlaceTest, RefusesAFile) {
  const TestFolder folder;
  ASSERT_OK(WriteFileAtomic(folder.File("f"), ""));
  EXPECT_THAT(CheckModelPlace(folder.File("f")), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is a file")));
}

}  // namespace
}  // namespace plumb::cli
