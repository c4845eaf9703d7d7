#include "base/log.h"

#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::MustRead;
using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::HasSubstr;

TEST(LogTest, WritesEveryLevelToTheFile) {
  const TestFolder folder;
  ASSERT_OK(AddLogFile(folder.File("log.txt")));
  LogInfo("base", "seen ", 3, " rows");
  LogWarning("base", "careful");
  const std::string log = MustRead(folder.File("log.txt"));
  EXPECT_THAT(log, HasSubstr("I base: seen 3 rows"));
  EXPECT_THAT(log, HasSubstr("W base: careful"));
}

TEST(LogTest, AFileThatCannotBeOpenedIsAnError) {
  EXPECT_THAT(AddLogFile("/nowhere/log.txt"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/log.txt")));
}

}  // namespace
}  // namespace plumb
