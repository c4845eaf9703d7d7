#include "tools/bench/machine_limits.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb::cli {
namespace {

using ::plumb::testing::IsOkAndHolds;
using ::plumb::testing::StatusIs;
using ::testing::HasSubstr;

constexpr int64_t kFileBytes = int64_t{4} << 20;

// How many pages of a file the system holds in its cache.
int64_t CachedPages(const std::string& path) {
  const std::unique_ptr<MappedFile> file = *MappedFile::Open(path);
  std::vector<unsigned char> cached(file->size() / static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  EXPECT_EQ(::mincore(const_cast<std::byte*>(file->bytes()), file->size(), cached.data()), 0);
  return std::count(cached.begin(), cached.end(), 1);
}

// No timed test: a machine that does less than a millionth, or more than a thousandfold, of any that exists is a bug.
TEST(MachineLimitsTest, IsABandwidthOfThisWorld) {
  const double bandwidth = ReadBandwidth(FarNumbers(1 << 20));
  EXPECT_GT(bandwidth, 1e6);
  EXPECT_LT(bandwidth, 1e14);
}

TEST(MachineLimitsTest, FilesAreReadAtABandwidthOfThisWorld) {
  const plumb::testing::TestFolder folder;
  ASSERT_OK(WriteFileAtomic(folder.File("a"), std::string(kFileBytes, 'a')));
  ASSERT_OK(WriteFileAtomic(folder.File("none"), ""));
  ASSERT_OK_AND_ASSIGN(const double bandwidth, FileBandwidth({folder.File("a"), folder.File("none")}));
  EXPECT_GT(bandwidth, 1e4);
  EXPECT_LT(bandwidth, 1e14);
}

TEST(MachineLimitsTest, ADroppedFileIsNotInTheCacheAndCanBeRead) {
  const plumb::testing::TestFolder folder;
  const std::string path = folder.File("a");
  ASSERT_OK(WriteFileAtomic(path, std::string(kFileBytes, 'a')));
  ASSERT_EQ(CachedPages(path), kFileBytes / sysconf(_SC_PAGESIZE));
  const absl::Status dropped = DropFromCache(path);
  if (absl::IsFailedPrecondition(dropped)) GTEST_SKIP() << dropped << "; set TMPDIR to a folder on a disk";
  ASSERT_OK(dropped);
  EXPECT_LE(CachedPages(path), kFileBytes / sysconf(_SC_PAGESIZE) / 20);
  EXPECT_THAT(ReadFile(path), IsOkAndHolds(std::string(kFileBytes, 'a')));
}

TEST(MachineLimitsFaultTest, AFileThatIsNotThereIsNamed) {
  EXPECT_THAT(FileBandwidth({"/nowhere/a"}), StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/a")));
  EXPECT_THAT(DropFromCache("/nowhere/a"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/a")));
}

TEST(MachineLimitsFaultTest, AFileThatStaysInTheCacheIsNamed) {
  const plumb::testing::TestFolder folder;
  const std::string path = folder.File("a");
  ASSERT_OK(WriteFileAtomic(path, std::string(kFileBytes, 'a')));
  // Pages that a program has locked stay.
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<MappedFile> mapped, MappedFile::Open(path));
  if (::mlock(mapped->bytes(), mapped->size()) != 0) GTEST_SKIP() << "this user may lock no memory";
  EXPECT_THAT(DropFromCache(path), StatusIs(absl::StatusCode::kFailedPrecondition,
                                            HasSubstr("a: the system keeps 1024 of 1024 pages in memory")));
}

}  // namespace
}  // namespace plumb::cli
