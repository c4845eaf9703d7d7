#include "base/interrupt.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "base/file.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

// Every case in a process of its own: an interrupt stays requested.
class InterruptDeathTest : public ::testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(InterruptDeathTest, TheFirstSignalOnlyAsksAndSaysThatTheRunIsSaved) {
  EXPECT_EXIT(
      {
        InstallInterruptHandler();
        if (InterruptRequested()) std::_Exit(1);
        std::raise(SIGTERM);
        std::_Exit(InterruptRequested() ? 0 : 2);
      },
      ::testing::ExitedWithCode(0), "^\ninterrupt: saving at the next step; once more to leave at once\n$");
}

TEST_F(InterruptDeathTest, TheSecondSignalLeavesAndSaysWhatIsLost) {
  EXPECT_EXIT(
      {
        InstallInterruptHandler();
        std::raise(SIGINT);
        std::raise(SIGINT);
      },
      ::testing::ExitedWithCode(130), "left at once; what came after the last checkpoint is not saved and lost\n$");
}

TEST_F(InterruptDeathTest, AnOutputThatIsNotCompleteIsRemovedOrNamed) {
  EXPECT_EXIT(
      {
        InstallOutputInterruptHandler();
        std::raise(SIGTERM);
        std::raise(SIGTERM);
      },
      ::testing::ExitedWithCode(130),
      "^\ninterrupt: stopping; an output that is not complete is removed; once more to leave at once\n"
      "\ninterrupt: left at once; what was written so far stays beside the output, with .tmp- in its name\n$");
}

TEST_F(InterruptDeathTest, WhatOnlyReadsIsLeftAtOnceUntilItWrites) {
  EXPECT_EXIT(
      {
        InstallReaderInterruptHandler();
        std::raise(SIGINT);
      },
      ::testing::ExitedWithCode(130), "^\ninterrupt: left; nothing was written yet\n$");
  EXPECT_EXIT(
      {
        InstallReaderInterruptHandler();
        InstallOutputInterruptHandler();
        std::raise(SIGINT);
        std::_Exit(InterruptRequested() ? 0 : 2);
      },
      ::testing::ExitedWithCode(0), "stopping; an output that is not complete is removed");
}

TEST_F(InterruptDeathTest, AServerPromisesNoSave) {
  EXPECT_EXIT(
      {
        InstallServerInterruptHandler();
        std::raise(SIGTERM);
        std::raise(SIGTERM);
      },
      ::testing::ExitedWithCode(130),
      "^\ninterrupt: stopping; calls in progress get a moment to end; once more to leave at once\n"
      "\ninterrupt: left at once; calls in progress were cut off and their work is lost\n$");
}

TEST(LostMappingFaultTest, AFileThatIsCutWhileItIsReadIsSaid) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const plumb::testing::TestFolder folder;
  const std::string path = folder.File("weights");
  ASSERT_TRUE(WriteFileAtomic(path, std::string(1 << 16, 'x')).ok());
  EXPECT_EXIT(
      {
        ExplainLostMappings();
        const auto mapped = *MappedFile::Open(path);
        if (::truncate(path.c_str(), 0) != 0) ::_exit(2);
        ::_exit(static_cast<int>(*static_cast<const volatile std::byte*>(mapped->bytes())));
      },
      ::testing::ExitedWithCode(1), "a file that was being read is not there any more");
}

}  // namespace
}  // namespace plumb
