#include "tools/kept_memory.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <memory>
#include <vector>

namespace plumb::cli {
namespace {

constexpr size_t kPiece = 24 << 20;  // bytes
constexpr size_t kPage = 4096;
constexpr int kPieces = 4;

// Sanitizers bring an allocator of their own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kOwnAllocator = true;
#else
constexpr bool kOwnAllocator = false;
#endif

// Takes and writes some pieces, frees them, and says how many pages the system had to give for that.
int64_t PagesTaken() {
  rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  std::vector<std::unique_ptr<char[]>> pieces;
  for (int i = 0; i < kPieces; ++i) {
    pieces.emplace_back(new char[kPiece]);
    for (size_t place = 0; place < kPiece; place += kPage) static_cast<volatile char*>(pieces.back().get())[place] = 1;
  }
  pieces.clear();
  getrusage(RUSAGE_SELF, &after);
  return after.ru_minflt - before.ru_minflt;
}

TEST(KeptMemoryTest, WhatWasFreedIsTakenAgain) {
  if (kOwnAllocator) GTEST_SKIP() << "the allocator is a sanitizer's";
  for (const char* own : {"GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TOP_PAD_"}) {
    unsetenv(own);
  }
  ASSERT_EQ(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);  // few large pages would hide what is taken
  KeepFreedMemory();
  PagesTaken();
  EXPECT_LT(PagesTaken(), static_cast<int64_t>(kPieces * kPiece / kPage / 10));
}

}  // namespace
}  // namespace plumb::cli
