#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "checkpoint/files_beside_weights.h"
#include "checkpoint/model_folder.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::GoldenPath;
using ::plumb::testing::IsOk;
using ::plumb::testing::IsOkAndHolds;
using ::plumb::testing::MustRead;
using ::plumb::testing::MustReadJson;
using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ModelFolderContent ContentOf(const ModelFolder& folder) {
  ModelFolderContent content;
  content.config = folder.config();
  for (const std::string& name : folder.names()) content.tensors.push_back({name, *folder.Find(name)});
  content.copy_text_files_from = folder.path();
  return content;
}

TEST(ModelFolderWriterGoldenTest, WritesBackTheSameFolder) {
  const std::string source = GoldenPath("models/v3_norope_fp32");
  const TestFolder copy;
  ASSERT_OK_AND_ASSIGN(const auto folder, ModelFolder::Open(source));
  ASSERT_OK(WriteModelFolder(copy.path(), ContentOf(*folder)));
  EXPECT_THAT(ListFolder(copy.path()),
              IsOkAndHolds(ElementsAre("config.json", "generation_config.json", "model.safetensors")));
  for (const char* name : {"config.json", "generation_config.json", "model.safetensors"}) {
    EXPECT_EQ(MustRead(copy.File(name)), MustRead(JoinPath(source, name))) << name;
  }
}

TEST(ModelFolderWriterGoldenTest, ShardsReadBackToTheSameTensors) {
  const TestFolder copy;
  ASSERT_OK_AND_ASSIGN(const auto folder, ModelFolder::Open(GoldenPath("models/v3_sharded_bf16")));
  ModelFolderContent content = ContentOf(*folder);
  content.max_shard_bytes = 300'000;
  ASSERT_OK(WriteModelFolder(copy.path(), content));
  EXPECT_FALSE(FileExists(copy.File("model.safetensors")));
  EXPECT_TRUE(FileExists(copy.File("model-00003-of-00003.safetensors")));
  ASSERT_OK_AND_ASSIGN(const auto read, ModelFolder::Open(copy.path()));
  ASSERT_EQ(read->names(), folder->names());
  for (const std::string& name : folder->names()) {
    ASSERT_OK_AND_ASSIGN(const TensorBytes before, folder->Find(name));
    ASSERT_OK_AND_ASSIGN(const TensorBytes after, read->Find(name));
    EXPECT_EQ(after.type, before.type) << name;
    EXPECT_EQ(after.shape, before.shape) << name;
    EXPECT_TRUE(std::equal(after.bytes.begin(), after.bytes.end(), before.bytes.begin(), before.bytes.end())) << name;
  }
}

TEST(ModelFolderWriterTest, ShardsFillInOrderUpToTheLimit) {
  const TestFolder folder;
  const std::byte bytes[4] = {};
  ModelFolderContent content;
  content.config = Json::object();
  content.tensors = {{"a", {TensorType::kU8, {2}, absl::MakeConstSpan(bytes, 2)}},
                     {"b", {TensorType::kU8, {1}, absl::MakeConstSpan(bytes, 1)}},
                     {"huge", {TensorType::kU8, {4}, absl::MakeConstSpan(bytes, 4)}},
                     {"c", {TensorType::kU8, {1}, absl::MakeConstSpan(bytes, 1)}}};
  content.max_shard_bytes = 3;
  ASSERT_OK(WriteModelFolder(folder.path(), content));
  const Json index = MustReadJson(folder.File("model.safetensors.index.json"));
  EXPECT_EQ(index["metadata"]["total_size"], 8);
  EXPECT_EQ(index["weight_map"]["a"], "model-00001-of-00003.safetensors");
  EXPECT_EQ(index["weight_map"]["b"], "model-00001-of-00003.safetensors");
  EXPECT_EQ(index["weight_map"]["huge"], "model-00002-of-00003.safetensors");
  EXPECT_EQ(index["weight_map"]["c"], "model-00003-of-00003.safetensors");
}

TEST(ModelFolderWriterTest, CodeOfTheModelGoesAlongAndOtherFilesDoNot) {
  const TestFolder source;
  const TestFolder copy;
  for (const char* name : {"modeling_deepseek.py", "tokenizer.json", "LICENSE", "secret.txt", "trainer_state.json"}) {
    ASSERT_OK(WriteFileAtomic(source.File(name), name));
  }
  ModelFolderContent content;
  content.config = Json::object();
  content.copy_text_files_from = source.path();
  ASSERT_OK(WriteModelFolder(copy.path(), content));
  EXPECT_THAT(ListFolder(copy.path()), IsOkAndHolds(ElementsAre("LICENSE", "config.json", "model.safetensors",
                                                                "modeling_deepseek.py", "tokenizer.json")));
}

TEST(ModelFolderWriterFaultTest, AFileThatLinksToOutsideIsNotCopied) {
  const TestFolder root;
  const TestFolder copy;
  ASSERT_OK(MakeFolder(root.File("model")));
  ASSERT_OK(WriteFileAtomic(root.File("secret"), "x"));
  std::filesystem::create_symlink("../secret", root.File("model/tokenizer_config.json"));
  ModelFolderContent content;
  content.config = Json::object();
  content.copy_text_files_from = root.File("model");
  EXPECT_THAT(WriteModelFolder(copy.path(), content),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("outside the model folder")));
}

TEST(ModelFolderWriterFaultTest, ANameInTwoShardsIsRefused) {
  const TestFolder folder;
  const std::byte bytes[1] = {};
  ModelFolderContent content;
  content.tensors = {{"a", {TensorType::kU8, {1}, bytes}}, {"a", {TensorType::kU8, {1}, bytes}}};
  content.max_shard_bytes = 1;
  EXPECT_THAT(WriteModelFolder(folder.path(), content),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a: given twice")));
}

TEST(ModelFolderWriterFaultTest, AFileToCopyThatIsNoneIsNamed) {
  for (const std::string name : {"tokenizer.json", "LICENSE", "modeling_deepseek.py"}) {
    const TestFolder source;
    std::filesystem::create_symlink("gone", source.File(name));
    ModelFolderContent content;
    content.config = Json::object();
    content.copy_text_files_from = source.path();
    const TestFolder copy;
    EXPECT_THAT(
        WriteModelFolder(copy.path(), content),
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(name + ": links to gone, which does not exist")));
    EXPECT_THAT(FilesBesideWeights(source.path()), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(name)));
  }
}

}  // namespace
}  // namespace plumb
