#include "tools/kept_memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <memory>
#include <vector>

namespace plumb::cli {
namespace {

constexpr size_t kPiece = 24 << 20;  // bytes
constexpr size_t kPage = 4096;

// Takes and writes some pieces, frees them, and says how many pages the system had to give for that.
int64_t PagesTaken() {
  rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  std::vector<std::unique_ptr<char[]>> pieces;
  for (int i = 0; i < 4; ++i) {
    pieces.emplace_back(new char[kPiece]);
    for (size_t place = 0; place < kPiece; place += kPage) static_cast<volatile char*>(pieces.back().get())[place] = 1;
  }
  pieces.clear();
  getrusage(RUSAGE_SELF, &after);
  return after.ru_minflt - before.ru_minflt;
}

TEST(KeptMemoryTest, WhatWasFreedIsTakenAgain) {
  KeepFreedMemory();
  const int64_t first = PagesTaken();
  EXPECT_LT(PagesTaken(), first / 10);
}

}  // namespace
}  // namespace plumb::cli
