#include "policy/kernels/cpu/scratch.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace plumb::cpu {
namespace {

TEST(ScratchTest, PiecesLieOnCacheLinesAndDoNotOverlap) {
  Scratch scratch(ScratchUse::kUnit, Scratch::Rounded(5) + Scratch::Rounded(20));
  float* const first = scratch.Take(5);
  float* const second = scratch.Take(20);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(first) % 64, 0);
  EXPECT_EQ(second - first, 16);
}

TEST(ScratchTest, MemoryStaysWithTheThread) {
  float* const first = Scratch(ScratchUse::kUnit, 4096).Take(4096);
  EXPECT_EQ(Scratch(ScratchUse::kUnit, 100).Take(100), first);
  EXPECT_EQ(Scratch(ScratchUse::kUnit, 4096).Take(4096), first);
  EXPECT_NE(Scratch(ScratchUse::kCall, 100).Take(100), first);
}

TEST(ScratchDeathTest, TakingMoreThanWasAskedFor) {
  EXPECT_DEATH(
      {
        Scratch scratch(ScratchUse::kCall, 1 << 20);
        scratch.Take(1 << 20);
        scratch.Take(1);
      },
      "takes more scratch memory");
}

}  // namespace
}  // namespace plumb::cpu
