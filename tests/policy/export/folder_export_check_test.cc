#include <gtest/gtest.h>

#include <functional>

#include "base/file.h"
#include "policy/export/folder_export.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using testing::GoldenPath;
using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TestFolder;

// Writes an export of a golden model, lets `damage` change the content of the folder, and checks it.
absl::Status CheckDamaged(const std::function<void(ModelFolderContent&)>& damage) {
  const std::shared_ptr<const ModelFolder> source = *ModelFolder::Open(GoldenPath("models/v3_norope_fp32"));
  const std::unique_ptr<FolderExport> plan = *FolderExport::Plan(source, {.type = TensorType::kBF16});
  const TestFolder written;
  EXPECT_OK(plan->Write(written.path()));
  const std::unique_ptr<ModelFolder> folder = *ModelFolder::Open(written.path());
  ModelFolderContent content;
  content.config = folder->config();
  for (const std::string& name : folder->names()) content.tensors.emplace_back(name, *folder->Find(name));
  damage(content);
  const TestFolder damaged;
  EXPECT_OK(WriteModelFolder(damaged.path(), content));
  return plan->Check(damaged.path()).status();
}

TEST(FolderExportCheckTest, WhatWasWrittenPasses) {
  EXPECT_OK(CheckDamaged([](ModelFolderContent& content) {}));
}

TEST(FolderExportCheckFaultTest, AMissingTensorIsNamed) {
  EXPECT_THAT(CheckDamaged([](ModelFolderContent& content) {
                std::erase_if(content.tensors, [](const auto& tensor) { return tensor.name == "model.norm.weight"; });
              }),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("model.norm.weight: missing")));
}

TEST(FolderExportCheckFaultTest, ATensorTooManyIsNamed) {
  static const std::byte kBytes[4] = {};
  EXPECT_THAT(CheckDamaged([](ModelFolderContent& content) {
                content.tensors.emplace_back("extra", TensorBytes{TensorType::kF32, {1}, kBytes});
              }),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("extra: should not be there")));
}

TEST(FolderExportCheckFaultTest, AChangedByteIsFound) {
  std::vector<std::byte> bytes;
  EXPECT_THAT(CheckDamaged([&](ModelFolderContent& content) {
                StreamedTensor& last = content.tensors.back();
                ASSERT_OK(last.stream([&](absl::Span<const std::byte> piece) {
                  bytes.insert(bytes.end(), piece.begin(), piece.end());
                  return absl::OkStatus();
                }));
                bytes.back() ^= std::byte{1};
                last = StreamedTensor(last.name, TensorBytes{last.type, last.shape, bytes});
              }),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("not those of a second conversion")));
}

TEST(FolderExportCheckFaultTest, AChangedFieldIsFound) {
  EXPECT_THAT(CheckDamaged([](ModelFolderContent& content) { content.config["rms_norm_eps"] = 0.5; }),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("config.json")));
}

}  // namespace
}  // namespace plumb
