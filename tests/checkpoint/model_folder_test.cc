#include "checkpoint/model_folder.h"

#include <sys/stat.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::GoldenPath;
using ::plumb::testing::IsOk;
using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kIndex[] = "model.safetensors.index.json";

// Writes config.json, one shard that holds the U8 tensor "a" = {7}, and an index with the given weight_map.
absl::Status WriteSharded(const std::string& folder, const std::string& weight_map) {
  static const std::byte kBytes[1] = {std::byte{7}};
  RETURN_IF_ERROR(MakeFolder(folder));
  RETURN_IF_ERROR(WriteFileAtomic(JoinPath(folder, "config.json"), "{}"));
  RETURN_IF_ERROR(WriteSafetensors(JoinPath(folder, "one.safetensors"), {{"a", {TensorType::kU8, {1}, kBytes}}}));
  return WriteFileAtomic(JoinPath(folder, kIndex), absl::StrCat("{\"weight_map\": ", weight_map, "}"));
}

TEST(ModelFolderGoldenTest, OpensOneFile) {
  ASSERT_OK_AND_ASSIGN(const auto folder, ModelFolder::Open(GoldenPath("models/v3_norope_fp32")));
  EXPECT_EQ(folder->config()["model_type"], "deepseek_v3");
  EXPECT_TRUE(folder->Has("model.norm.weight"));
  EXPECT_TRUE(std::is_sorted(folder->names().begin(), folder->names().end()));
  ASSERT_OK_AND_ASSIGN(const TensorBytes norm, folder->Find("model.norm.weight"));
  EXPECT_EQ(norm.type, TensorType::kF32);
  EXPECT_THAT(norm.shape, ElementsAre(48));
  EXPECT_THAT(folder->Find("model.nothing"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("model.nothing: not in")));
}

TEST(ModelFolderGoldenTest, OpensShards) {
  ASSERT_OK_AND_ASSIGN(const auto folder, ModelFolder::Open(GoldenPath("models/v3_sharded_bf16")));
  ASSERT_OK_AND_ASSIGN(const TensorBytes first, folder->Find("lm_head.weight"));
  ASSERT_OK_AND_ASSIGN(const TensorBytes last, folder->Find("model.norm.weight"));
  EXPECT_THAT(first.shape, ElementsAre(512, 64));
  EXPECT_EQ(last.bytes.size(), 64u * 2);
}

TEST(ModelFolderTest, LinksOfAHuggingFaceSnapshotAreFollowed) {
  const TestFolder root;
  const std::string snapshot = root.File("models--x/snapshots/abc");
  ASSERT_OK(WriteSharded(snapshot, R"({"a": "one.safetensors"})"));
  ASSERT_OK(MakeFolder(root.File("models--x/blobs")));
  std::filesystem::rename(JoinPath(snapshot, "one.safetensors"), root.File("models--x/blobs/123"));
  std::filesystem::create_symlink("../../blobs/123", JoinPath(snapshot, "one.safetensors"));
  ASSERT_OK_AND_ASSIGN(const auto folder, ModelFolder::Open(snapshot));
  EXPECT_TRUE(folder->Has("a"));
}

TEST(ModelFolderTest, TheFolderItselfMayBeALink) {
  const TestFolder root;
  ASSERT_OK(WriteSharded(root.File("step-1"), R"({"a": "one.safetensors"})"));
  std::filesystem::create_directory_symlink("step-1", root.File("latest"));
  EXPECT_OK(ModelFolder::Open(root.File("latest")));
}

TEST(ModelFolderFaultTest, NamesWhatIsMissing) {
  const TestFolder root;
  EXPECT_THAT(ModelFolder::Open(root.File("none")), StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
  EXPECT_THAT(ModelFolder::Open(root.path()), StatusIs(absl::StatusCode::kNotFound, HasSubstr("config.json")));
  ASSERT_OK(WriteFileAtomic(root.File("config.json"), "{}"));
  EXPECT_THAT(ModelFolder::Open(root.path()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("neither model.safetensors nor")));
}

TEST(ModelFolderFaultTest, ConfigMustBeAnObject) {
  const TestFolder root;
  ASSERT_OK(WriteFileAtomic(root.File("config.json"), "[]"));
  EXPECT_THAT(ModelFolder::Open(root.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("config.json"), HasSubstr("an object"))));
}

TEST(ModelFolderFaultTest, NamedPipesAreNotWaitedFor) {
  const TestFolder config;
  ASSERT_EQ(::mkfifo(config.File("config.json").c_str(), 0600), 0);
  EXPECT_THAT(ModelFolder::Open(config.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("config.json: not a regular file")));
  const TestFolder shard;
  ASSERT_OK(WriteSharded(shard.path(), R"({"a": "pipe.safetensors"})"));
  ASSERT_EQ(::mkfifo(shard.File("pipe.safetensors").c_str(), 0600), 0);
  EXPECT_THAT(ModelFolder::Open(shard.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("pipe.safetensors: not a regular file")));
}

TEST(ModelFolderFaultTest, ALinkThatLeadsNowhereIsNamed) {
  for (const std::string name : {"one.safetensors", kIndex, "model.safetensors", "tokenizer.json", "LICENSE"}) {
    const TestFolder folder;
    ASSERT_OK(WriteSharded(folder.path(), R"({"a": "one.safetensors"})"));
    std::filesystem::remove(folder.File(name));
    std::filesystem::create_symlink("gone", folder.File(name));
    EXPECT_THAT(ModelFolder::Open(folder.path()), StatusIs(absl::StatusCode::kInvalidArgument,
                                                           HasSubstr(name + ": links to gone, which does not exist")));
  }
}

TEST(ModelFolderFaultTest, APickleIsNeverRead) {
  const TestFolder root;
  ASSERT_OK(WriteFileAtomic(root.File("config.json"), "{}"));
  ASSERT_OK(WriteFileAtomic(root.File("pytorch_model.bin"), "\x80\x02."));
  EXPECT_THAT(ModelFolder::Open(root.path()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("pytorch_model.bin is a pickle, which is never read")));
}

TEST(ModelFolderFaultTest, AnIndexIsCheckedBeforeItIsParsed) {
  const TestFolder too_long;
  ASSERT_OK(WriteSharded(too_long.path(), R"({"a": "one.safetensors"})"));
  std::filesystem::resize_file(too_long.File(kIndex), (size_t{64} << 20) + 1);
  EXPECT_THAT(ModelFolder::Open(too_long.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr(kIndex), HasSubstr("at most 67108864"))));
  const TestFolder twice;
  ASSERT_OK(WriteSharded(twice.path(), R"({"a": "one.safetensors", "a": "two.safetensors"})"));
  EXPECT_THAT(ModelFolder::Open(twice.path()), StatusIs(absl::StatusCode::kInvalidArgument,
                                                        AllOf(HasSubstr(kIndex), HasSubstr("\"a\" is given twice"))));
  const TestFolder deep;
  ASSERT_OK(WriteSharded(deep.path(), std::string(100'000, '[')));
  EXPECT_THAT(ModelFolder::Open(deep.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr(kIndex), HasSubstr("nested deeper"))));
}

TEST(ModelFolderFaultTest, AnIndexMayNotNameFilesElsewhere) {
  for (const char* name :
       {"../one.safetensors", "/etc/passwd", "..", "sub/one.safetensors", "one\\u0000.safetensors"}) {
    const TestFolder root;
    ASSERT_OK(WriteSharded(root.path(), absl::StrCat("{\"a\": \"", name, "\"}")));
    EXPECT_THAT(ModelFolder::Open(root.path()),
                StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr(kIndex), HasSubstr("same folder"))))
        << name;
  }
}

TEST(ModelFolderFaultTest, AnIndexMustAgreeWithTheShards) {
  const TestFolder missing_shard;
  ASSERT_OK(WriteSharded(missing_shard.path(), R"({"a": "two.safetensors"})"));
  EXPECT_THAT(ModelFolder::Open(missing_shard.path()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("two.safetensors")));
  const TestFolder missing_tensor;
  ASSERT_OK(WriteSharded(missing_tensor.path(), R"({"b": "one.safetensors"})"));
  EXPECT_THAT(ModelFolder::Open(missing_tensor.path()),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("b is not in one.safetensors")));
  const TestFolder no_map;
  ASSERT_OK(WriteSharded(no_map.path(), "3"));
  EXPECT_THAT(ModelFolder::Open(no_map.path()), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("weight_map")));
}

TEST(ModelFolderFaultTest, ATensorThatTheIndexForgetsIsNamed) {
  static const std::byte kBytes[2] = {};
  const TestFolder root;
  ASSERT_OK(WriteSharded(root.path(), R"({"a": "one.safetensors"})"));
  ASSERT_OK(
      WriteSafetensors(root.File("one.safetensors"), {{"a", {TensorType::kU8, {1}, absl::MakeConstSpan(kBytes, 1)}},
                                                      {"b", {TensorType::kU8, {1}, absl::MakeConstSpan(kBytes, 1)}}}));
  EXPECT_THAT(ModelFolder::Open(root.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("one.safetensors: b is not in")));
}

TEST(ModelFolderFaultTest, ConfigAndIndexMayNotBeLinksToOutside) {
  for (const char* name : {"config.json", kIndex}) {
    const TestFolder root;
    const std::string folder = root.File("model");
    ASSERT_OK(WriteSharded(folder, R"({"a": "one.safetensors"})"));
    std::filesystem::rename(JoinPath(folder, name), root.File("outside"));
    std::filesystem::create_symlink("../outside", JoinPath(folder, name));
    EXPECT_THAT(ModelFolder::Open(folder),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("outside the model folder")))
        << name;
  }
}

TEST(ModelFolderFaultTest, ALinkMayNotLeaveTheFolder) {
  const TestFolder root;
  const std::string folder = root.File("model");
  ASSERT_OK(WriteSharded(folder, R"({"a": "one.safetensors"})"));
  std::filesystem::rename(JoinPath(folder, "one.safetensors"), root.File("outside"));
  std::filesystem::create_symlink("../outside", JoinPath(folder, "one.safetensors"));
  EXPECT_THAT(ModelFolder::Open(folder),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("outside the model folder")));
}

TEST(ModelFolderFaultTest, WhatADownloadLeftInPlaceOfAFileIsNamed) {
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
  const std::string page = "<!DOCTYPE html>\n<html></html>\n";
  for (const std::string name : {"one.safetensors", "config.json", kIndex}) {
    const TestFolder root;
    ASSERT_OK(WriteSharded(root.path(), R"({"a": "one.safetensors"})"));
    ASSERT_OK(WriteFileAtomic(root.File(name), pointer));
    EXPECT_THAT(ModelFolder::Open(root.path()).status().message(),
                HasSubstr(absl::StrCat(root.File(name), ": is a Git LFS pointer; run `git lfs pull`")));
    ASSERT_OK(WriteFileAtomic(root.File(name), page));
    EXPECT_THAT(ModelFolder::Open(root.path()).status().message(),
                HasSubstr(absl::StrCat(root.File(name), ": is an HTML page, not ")));
  }
}

TEST(ModelFolderFaultTest, ShardsWithoutTheirIndexAreNamed) {
  const TestFolder root;
  ASSERT_OK(WriteFileAtomic(root.File("config.json"), "{}"));
  for (const char* shard : {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"}) {
    ASSERT_OK(WriteSafetensors(root.File(shard), {}));
  }
  EXPECT_THAT(
      ModelFolder::Open(root.path()),
      StatusIs(absl::StatusCode::kNotFound,
               HasSubstr("it has model-00001-of-00002.safetensors, model-00002-of-00002.safetensors, which need "
                         "their index")));
}

TEST(ModelFolderTest, WeightsThatAreNotReadAreNoted) {
  const TestFolder root;
  ASSERT_OK(WriteSharded(root.path(), R"({"a": "one.safetensors"})"));
  ASSERT_OK_AND_ASSIGN(const auto plain, ModelFolder::Open(root.path()));
  EXPECT_THAT(plain->notes(), ElementsAre());
  EXPECT_EQ(plain->FileOf("a"), root.File("one.safetensors"));
  EXPECT_EQ(plain->FileOf("b"), "");
  ASSERT_OK(WriteSafetensors(root.File("model-00001-of-00002.safetensors"), {}));
  ASSERT_OK(WriteSafetensors(root.File("model-00002-of-00002.safetensors"), {}));
  ASSERT_OK_AND_ASSIGN(const auto extra, ModelFolder::Open(root.path()));
  EXPECT_THAT(extra->notes(),
              ElementsAre(absl::StrCat("model-00001-of-00002.safetensors and 1 more such file: not read, "
                                       "since ",
                                       kIndex, " does not name it")));
  ASSERT_OK(WriteSafetensors(root.File("model.safetensors"), {}));
  ASSERT_OK_AND_ASSIGN(const auto both, ModelFolder::Open(root.path()));
  EXPECT_THAT(both->notes(),
              ElementsAre(absl::StrCat(kIndex, " is ignored: the weights are read from model.safetensors"),
                          HasSubstr("not read, since the weights are read from model.safetensors")));
}

// A shard that the index names is read, under whatever name it has.
TEST(ModelFolderTest, ShardsThatAreReadAreNotNoted) {
  ASSERT_OK_AND_ASSIGN(const auto folder, ModelFolder::Open(GoldenPath("models/v3_sharded_bf16")));
  EXPECT_THAT(folder->notes(), ElementsAre());
}

}  // namespace
}  // namespace plumb
