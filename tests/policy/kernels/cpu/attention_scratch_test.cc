#include "policy/kernels/cpu/attention_scratch.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace plumb::cpu {
namespace {

TEST(AttentionScratchTest, PiecesLieOnCacheLinesAndDoNotOverlap) {
  AttentionScratch scratch(ScratchUse::kUnit, AttentionScratch::Rounded(5) + AttentionScratch::Rounded(20));
  float* const first = scratch.Take(5);
  float* const second = scratch.Take(20);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(first) % 64, 0);
  EXPECT_EQ(second - first, 16);
}

TEST(AttentionScratchTest, MemoryStaysWithTheThread) {
  float* const first = AttentionScratch(ScratchUse::kUnit, 4096).Take(4096);
  EXPECT_EQ(AttentionScratch(ScratchUse::kUnit, 100).Take(100), first);
  EXPECT_EQ(AttentionScratch(ScratchUse::kUnit, 4096).Take(4096), first);
  EXPECT_NE(AttentionScratch(ScratchUse::kCall, 100).Take(100), first);
}

TEST(AttentionScratchDeathTest, TakingMoreThanWasAskedFor) {
  EXPECT_DEATH(
      {
        AttentionScratch scratch(ScratchUse::kCall, 1 << 20);
        scratch.Take(1 << 20);
        scratch.Take(1);
      },
      "takes more scratch memory");
}

}  // namespace
}  // namespace plumb::cpu
