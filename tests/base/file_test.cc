#include "base/file.h"

#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::IsOkAndHolds;
using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(FileTest, AtomicWriteReplacesAndLeavesNothingElse) {
  const TestFolder folder;
  const std::string path = folder.File("a.txt");
  ASSERT_OK(WriteFileAtomic(path, "one"));
  ASSERT_OK(WriteFileAtomic(path, "two"));
  EXPECT_THAT(ReadFile(path), IsOkAndHolds("two"));
  EXPECT_THAT(ListFolder(folder.path()), IsOkAndHolds(ElementsAre("a.txt")));
}

TEST(FileTest, AppendAddsAtTheEnd) {
  const TestFolder folder;
  ASSERT_OK(AppendToFile(folder.File("a"), "x\n"));
  ASSERT_OK(AppendToFile(folder.File("a"), "y\n"));
  EXPECT_THAT(ReadFile(folder.File("a")), IsOkAndHolds("x\ny\n"));
}

TEST(FileTest, ErrorsNameThePathAndTheReason) {
  EXPECT_THAT(ReadFile("/nowhere/x"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/x")));
  EXPECT_THAT(WriteFileAtomic("/nowhere/x", ""), StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/x")));
  EXPECT_THAT(MappedFile::Open("/nowhere/x"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere/x")));
  EXPECT_THAT(ListFolder("/nowhere"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("/nowhere")));
  const TestFolder folder;
  EXPECT_FALSE(ReadFile(folder.path()).ok());
}

TEST(FileTest, MappedFileShowsTheBytes) {
  const TestFolder folder;
  ASSERT_OK(WriteFileAtomic(folder.File("a"), "abc"));
  ASSERT_OK_AND_ASSIGN(const auto mapped, MappedFile::Open(folder.File("a")));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(mapped->bytes()), mapped->size()), "abc");
  ASSERT_OK(WriteFileAtomic(folder.File("empty"), ""));
  ASSERT_OK_AND_ASSIGN(const auto empty, MappedFile::Open(folder.File("empty")));
  EXPECT_EQ(empty->size(), 0);
}

TEST(FileTest, FoldersAreMadeWithParentsAndRemovedWhole) {
  const TestFolder folder;
  ASSERT_OK(MakeFolder(folder.File("a/b/c")));
  ASSERT_OK(MakeFolder(folder.File("a/b/c")));
  EXPECT_TRUE(FolderExists(folder.File("a/b")));
  ASSERT_OK(RemoveFolder(folder.File("a")));
  EXPECT_FALSE(FolderExists(folder.File("a")));
  EXPECT_EQ(JoinPath("a", "b"), "a/b");
  EXPECT_EQ(JoinPath("a/", "b"), "a/b");
}

// FIPS 180-2, appendix B.1.
TEST(FileTest, Sha256IsTheStandards) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace plumb
