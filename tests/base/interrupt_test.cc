#include "base/interrupt.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

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

}  // namespace
}  // namespace plumb
