#include "checkpoint/atomic_folder.h"

#include <sys/stat.h>

#include <filesystem>

#include "base/file.h"
#include "base/json.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::IsOk;
using ::plumb::testing::IsOkAndHolds;
using ::plumb::testing::MustRead;
using ::plumb::testing::MustReadJson;
using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A committed folder with the file a = "abc".
void MakeCommitted(const std::string& path, const std::string& content = "abc", bool replace = false) {
  ASSERT_OK_AND_ASSIGN(const auto folder, AtomicFolder::Create(path, replace));
  ASSERT_OK(WriteFileAtomic(JoinPath(folder->path(), "a"), content));
  ASSERT_OK(folder->Commit());
}

TEST(AtomicFolderTest, AppearsWithItsManifestAtCommit) {
  const TestFolder root;
  const std::string path = root.File("sub/new/");
  {
    ASSERT_OK_AND_ASSIGN(const auto folder, AtomicFolder::Create(path));
    ASSERT_OK(WriteFileAtomic(JoinPath(folder->path(), "a"), "abc"));
    EXPECT_FALSE(FolderExists(path));
    ASSERT_OK(folder->Commit());
  }
  EXPECT_THAT(ListFolder(root.File("sub")), IsOkAndHolds(ElementsAre("new")));
  EXPECT_THAT(ListFolder(path), IsOkAndHolds(ElementsAre("a", "manifest.json")));
  // The SHA-256 of "abc" from FIPS 180-2, appendix B.1.
  EXPECT_EQ(MustReadJson(path + "manifest.json")["files"]["a"],
            (Json{{"size", 3}, {"sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}}));
  EXPECT_OK(VerifyManifest(path));
}

TEST(AtomicFolderTest, LeavesNothingWithoutCommit) {
  const TestFolder root;
  {
    ASSERT_OK_AND_ASSIGN(const auto folder, AtomicFolder::Create(root.File("new")));
    ASSERT_OK(WriteFileAtomic(JoinPath(folder->path(), "a"), "abc"));
  }
  EXPECT_THAT(ListFolder(root.path()), IsOkAndHolds(IsEmpty()));
}

TEST(AtomicFolderTest, ReplacesOnlyWhenToldTo) {
  const TestFolder root;
  const std::string path = root.File("x");
  MakeCommitted(path);
  EXPECT_THAT(AtomicFolder::Create(path), StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr(path)));
  MakeCommitted(path, "new", /*replace=*/true);
  EXPECT_EQ(MustRead(path + "/a"), "new");
  EXPECT_THAT(ListFolder(root.path()), IsOkAndHolds(ElementsAre("x")));
}

TEST(AtomicFolderFaultTest, FoldersInsideAreRefused) {
  const TestFolder root;
  ASSERT_OK_AND_ASSIGN(const auto folder, AtomicFolder::Create(root.File("new")));
  ASSERT_OK(MakeFolder(JoinPath(folder->path(), "sub")));
  EXPECT_THAT(folder->Commit(), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("sub")));
}

TEST(AtomicFolderFaultTest, VerifyNamesTheDamagedFile) {
  const TestFolder root;
  const std::string path = root.File("x");
  MakeCommitted(path);
  ASSERT_OK(WriteFileAtomic(path + "/a", "abd"));
  EXPECT_THAT(VerifyManifest(path), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("x/a: SHA-256 is")));
  ASSERT_OK(WriteFileAtomic(path + "/a", "ab"));
  EXPECT_THAT(VerifyManifest(path), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("has 2 bytes, expected 3")));
  std::filesystem::remove(path + "/a");
  EXPECT_THAT(VerifyManifest(path), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("x/a: missing")));
}

TEST(AtomicFolderFaultTest, VerifyRefusesABadManifest) {
  const TestFolder root;
  EXPECT_THAT(VerifyManifest(root.path()), StatusIs(absl::StatusCode::kNotFound, HasSubstr("manifest.json")));
  for (const char* text : {"{", "[]", "{\"files\": 1}", R"({"files": {"../a": {"size": 1, "sha256": ""}}})",
                           R"({"files": {"a": {}}})", R"({"files": {"a": 3}})"}) {
    ASSERT_OK(WriteFileAtomic(root.File("manifest.json"), text));
    EXPECT_THAT(VerifyManifest(root.path()), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("manifest.json"))) << text;
  }
}

TEST(AtomicFolderFaultTest, AManifestOfAnotherMakerShowsNoOtherFiles) {
  const TestFolder root;
  ASSERT_OK(MakeFolder(root.File("model")));
  ASSERT_OK(WriteFileAtomic(root.File("secret"), "x"));
  std::filesystem::create_symlink("../secret", root.File("model/LICENSE"));
  ASSERT_OK(WriteFileAtomic(root.File("model/manifest.json"), R"({"files":{"LICENSE":{"size":1,"sha256":"0"}}})"));
  EXPECT_THAT(VerifyManifest(root.File("model")), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("outside")));
  ASSERT_OK(MakeFolder(root.File("pipe")));
  ASSERT_EQ(::mkfifo(root.File("pipe/manifest.json").c_str(), 0600), 0);
  EXPECT_THAT(VerifyManifest(root.File("pipe")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a regular file")));
}

}  // namespace
}  // namespace plumb
