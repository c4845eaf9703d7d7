#include "tools/report/run_ending.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::HasSubstr;

constexpr char kLine[] = "{\"step\":1,\"loss\":2}\n";

TEST(RunEndingTest, WritesTheReportAndNamesTheCheckpoint) {
  const TestFolder folder;
  ASSERT_OK(MakeFolder(folder.File("checkpoints/step-1")));
  std::filesystem::create_symlink("step-1", folder.File("checkpoints/latest"));
  const RunEnding ending(folder.path());
  ASSERT_OK(WriteFileAtomic(folder.File("metrics.jsonl"), kLine));
  ::testing::internal::CaptureStderr();
  EXPECT_OK(ending.Finish(absl::OkStatus()));
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_TRUE(FileExists(folder.File("report.html")));
  EXPECT_THAT(log, HasSubstr("the newest checkpoint is " + folder.File("checkpoints/step-1")));
  EXPECT_THAT(log, HasSubstr("the report is " + folder.File("report.html")));
}

TEST(RunEndingTest, AFailedRunThatRecordedAStepHasAReportToo) {
  const TestFolder folder;
  const RunEnding ending(folder.path());
  ASSERT_OK(WriteFileAtomic(folder.File("metrics.jsonl"), kLine));
  EXPECT_THAT(ending.Finish(absl::InternalError("broke")), StatusIs(absl::StatusCode::kInternal, "broke"));
  EXPECT_TRUE(FileExists(folder.File("report.html")));
}

TEST(RunEndingTest, ARunThatWasRefusedLeavesAnEarlierRunAlone) {
  const TestFolder folder;
  ASSERT_OK(WriteFileAtomic(folder.File("metrics.jsonl"), kLine));
  const RunEnding ending(folder.path());
  EXPECT_THAT(ending.Finish(absl::AlreadyExistsError("there")), StatusIs(absl::StatusCode::kAlreadyExists, "there"));
  EXPECT_FALSE(FileExists(folder.File("report.html")));
}

TEST(RunEndingFaultTest, AReportThatCannotBeWrittenIsAWarning) {
  const TestFolder folder;
  const RunEnding ending(folder.path());
  ASSERT_OK(WriteFileAtomic(folder.File("metrics.jsonl"), "damaged\n"));
  ::testing::internal::CaptureStderr();
  EXPECT_OK(ending.Finish(absl::OkStatus()));
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("no report: "));
}

}  // namespace
}  // namespace plumb
