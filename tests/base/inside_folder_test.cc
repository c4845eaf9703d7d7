#include "base/inside_folder.h"

#include <sys/stat.h>

#include <filesystem>

#include "base/file.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::IsOk;
using ::plumb::testing::IsOkAndHolds;
using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(InsideFolderTest, ReadsAFileOfTheFolder) {
  const TestFolder folder;
  ASSERT_OK(WriteFileAtomic(folder.File("config.json"), "{}"));
  EXPECT_THAT(ReadInsideFolder(folder.path(), "config.json", 2), IsOkAndHolds("{}"));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<MappedFile> mapped, MapInsideFolder(folder.path(), "config.json"));
  EXPECT_EQ(mapped->size(), 2u);
  EXPECT_EQ(mapped->path(), folder.File("config.json"));
}

TEST(InsideFolderTest, FollowsTheLinksOfAHuggingFaceSnapshot) {
  const TestFolder root;
  ASSERT_OK(MakeFolder(root.File("models--x/snapshots/abc")));
  ASSERT_OK(MakeFolder(root.File("models--x/blobs")));
  ASSERT_OK(WriteFileAtomic(root.File("models--x/blobs/123"), "text"));
  std::filesystem::create_symlink("../../blobs/123", root.File("models--x/snapshots/abc/config.json"));
  EXPECT_THAT(ReadInsideFolder(root.File("models--x/snapshots/abc"), "config.json", 100), IsOkAndHolds("text"));
}

TEST(InsideFolderFaultTest, ALinkOutOfTheFolderIsNotRead) {
  const TestFolder root;
  ASSERT_OK(MakeFolder(root.File("model")));
  ASSERT_OK(WriteFileAtomic(root.File("secret"), "x"));
  std::filesystem::create_symlink("../secret", root.File("model/chat_template.jinja"));
  std::filesystem::create_symlink("/dev/zero", root.File("model/config.json"));
  EXPECT_THAT(ReadInsideFolder(root.File("model"), "chat_template.jinja", 100),
              StatusIs(kInvalid, AllOf(HasSubstr("model/chat_template.jinja: links to "), HasSubstr("outside"))));
  EXPECT_THAT(MapInsideFolder(root.File("model"), "chat_template.jinja"),
              StatusIs(kInvalid, HasSubstr("outside the model folder")));
  EXPECT_THAT(ReadInsideFolder(root.File("model"), "config.json", 100),
              StatusIs(kInvalid, HasSubstr("config.json: not a regular file")));
}

TEST(InsideFolderFaultTest, ANamedPipeIsNotWaitedFor) {
  const TestFolder folder;
  ASSERT_EQ(::mkfifo(folder.File("config.json").c_str(), 0600), 0);
  EXPECT_THAT(ReadInsideFolder(folder.path(), "config.json", 100),
              StatusIs(kInvalid, HasSubstr("config.json: not a regular file")));
  EXPECT_THAT(MapInsideFolder(folder.path(), "config.json"), StatusIs(kInvalid, HasSubstr("not a regular file")));
  EXPECT_THAT(MappedFile::Open(folder.File("config.json")), StatusIs(kInvalid, HasSubstr("not a regular file")));
}

// Not kNotFound: it is a file that was lost, not one that was never made.
TEST(InsideFolderFaultTest, ALinkThatLeadsNowhereIsThereAllTheSame) {
  const TestFolder folder;
  std::filesystem::create_symlink("gone", folder.File("link"));
  EXPECT_THAT(ReadInsideFolder(folder.path(), "link", 9),
              StatusIs(kInvalid, HasSubstr("/link: links to gone, which does not exist")));
  EXPECT_THAT(MapInsideFolder(folder.path(), "link"), StatusIs(kInvalid, HasSubstr("which does not exist")));
}

TEST(InsideFolderFaultTest, NamesWhatIsMissingOrTooLong) {
  const TestFolder folder;
  ASSERT_OK(WriteFileAtomic(folder.File("index.json"), "[1]"));
  EXPECT_THAT(ReadInsideFolder(folder.path(), "none", 9), StatusIs(absl::StatusCode::kNotFound, HasSubstr("/none")));
  EXPECT_THAT(ReadInsideFolder(folder.path(), "index.json", 2),
              StatusIs(kInvalid, HasSubstr("index.json: has 3 bytes, at most 2 are read")));
}

}  // namespace
}  // namespace plumb
