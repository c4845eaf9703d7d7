#include "base/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "absl/time/clock.h"
#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::IsOkAndHolds;
using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

absl::Time Soon() { return absl::Now() + absl::Seconds(10); }

TEST(ChildProcessTest, ReadsLinesOfItsOutput) {
  ASSERT_OK_AND_ASSIGN(const auto child, ChildProcess::Start("echo", {"sh", "-c", "echo one; echo two; sleep 60"}, ""));
  EXPECT_THAT(child->ReadLine(Soon()), IsOkAndHolds("one"));
  EXPECT_THAT(child->ReadLine(Soon()), IsOkAndHolds("two"));
  EXPECT_TRUE(child->IsRunning());
  child->Stop(absl::Seconds(5));
  EXPECT_FALSE(child->IsRunning());
}

TEST(ChildProcessFaultTest, SaysHowAChildEndedAndShowsItsLog) {
  const TestFolder folder;
  ASSERT_OK_AND_ASSIGN(const auto child,
                       ChildProcess::Start("worker", {"sh", "-c", "echo why >&2; exit 3"}, folder.File("log")));
  EXPECT_THAT(child->ReadLine(Soon()),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("worker"), HasSubstr("exited with 3"), HasSubstr("why"))));
}

TEST(ChildProcessFaultTest, ShowsNothingOfAnEarlierProcess) {
  const TestFolder folder;
  ASSERT_OK(WriteFileAtomic(folder.File("log"), "an older error\n"));
  ASSERT_OK_AND_ASSIGN(const auto child,
                       ChildProcess::Start("worker", {"sh", "-c", "echo why >&2; exit 3"}, folder.File("log")));
  const std::string message(child->ReadLine(Soon()).status().message());
  EXPECT_THAT(message, HasSubstr("why"));
  EXPECT_THAT(message, ::testing::Not(HasSubstr("older")));
}

TEST(ChildProcessFaultTest, NamesTheSignalThatKilledAChild) {
  ASSERT_OK_AND_ASSIGN(const auto child, ChildProcess::Start("worker", {"sleep", "60"}, ""));
  ::kill(child->pid(), SIGKILL);
  for (int i = 0; i < 500 && child->IsRunning(); ++i) absl::SleepFor(absl::Milliseconds(10));
  EXPECT_THAT(child->Describe(), HasSubstr("killed by signal 9"));
}

TEST(ChildProcessFaultTest, WaitsNoLongerThanTheDeadline) {
  ASSERT_OK_AND_ASSIGN(const auto child, ChildProcess::Start("quiet", {"sleep", "60"}, ""));
  EXPECT_THAT(child->ReadLine(absl::Now() + absl::Milliseconds(50)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("quiet")));
}

TEST(ChildProcessFaultTest, AMissingProgramIsAnErrorAtStart) {
  EXPECT_THAT(ChildProcess::Start("worker", {"/nowhere/plumb"}, ""),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/plumb")));
}

}  // namespace
}  // namespace plumb
