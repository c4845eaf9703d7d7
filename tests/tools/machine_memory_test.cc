#include "tools/machine_memory.h"

#include <gtest/gtest.h>

namespace plumb::cli {
namespace {

TEST(MachineMemoryTest, SomeOfTheMemoryIsFree) {
  EXPECT_GT(TotalMemoryBytes(), 1e8);
  EXPECT_GT(AvailableMemoryBytes(), 0);
  EXPECT_LE(AvailableMemoryBytes(), TotalMemoryBytes());
}

}  // namespace
}  // namespace plumb::cli
