#include "policy/folder_layout.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "policy/weights.h"
#include "tests/policy/export/mtp_folder.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using testing::GoldenPath;
using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TestFolder;

TEST(FolderLayoutGoldenTest, PlacesEveryPublishedTensorInOrder) {
  const auto folder = *ModelFolder::Open(GoldenPath("models/v3_fp8"));
  const ModelConfig config = *ParseModelConfig(folder->config());
  const FolderLayout layout = FindLayout(*folder, config);
  EXPECT_TRUE(layout.problems.empty());
  EXPECT_FALSE(layout.fused_experts);
  const std::vector<PublishedTensor> expected = ExpectedTensors(config);
  ASSERT_EQ(layout.trunk.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(layout.trunk[i].name, expected[i].name);
}

TEST(FolderLayoutTest, LayersForMultiTokenPredictionAreFoundApart) {
  const TestFolder root;
  ASSERT_OK(testing::WriteMtpFolder(root.path()));
  const auto folder = *ModelFolder::Open(root.path());
  const ModelConfig config = *ParseModelConfig(folder->config());
  const FolderLayout layout = FindLayout(*folder, config);
  EXPECT_TRUE(layout.problems.empty());
  EXPECT_EQ(layout.mtp.size(), ExpectedMtpTensors(config).size());
}

TEST(FolderLayoutFaultTest, EveryProblemIsListed) {
  const auto golden = *ModelFolder::Open(GoldenPath("models/v3_norope_fp32"));
  ModelFolderContent content;
  content.config = golden->config();
  for (const std::string& name : golden->names()) {
    if (name == "lm_head.weight") continue;
    const bool renamed = name == "model.norm.weight";
    content.tensors.emplace_back(renamed ? "model.nrom.weight" : name, *golden->Find(name));
  }
  const TestFolder root;
  ASSERT_OK(WriteModelFolder(root.path(), content));
  const auto folder = *ModelFolder::Open(root.path());
  const FolderLayout layout = FindLayout(*folder, *ParseModelConfig(folder->config()));
  ASSERT_EQ(layout.problems.size(), 3u);
  EXPECT_THAT(layout.problems[0],
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("model.norm.weight: is missing in ")));
  EXPECT_THAT(layout.problems[0].message(), HasSubstr("; config.json asks for it"));
  EXPECT_THAT(layout.problems[1], StatusIs(absl::StatusCode::kNotFound, HasSubstr("lm_head.weight")));
  EXPECT_THAT(layout.problems[2], StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("model.nrom.weight: not a")));
  EXPECT_THAT(layout.problems[2].message(), HasSubstr("; it lies in "));
  EXPECT_THAT(layout.problems[2].message(), HasSubstr("/model.safetensors"));
}

// The codes of FP8 weights, widened without their scales.
TEST(FolderLayoutFaultTest, CodesThatWereCastWithoutTheirScalesAreNoWeights) {
  const auto golden = *ModelFolder::Open(GoldenPath("models/v3_fp8"));
  ModelFolderContent content;
  content.config = golden->config();
  std::vector<std::vector<std::byte>> plain;
  for (const std::string& name : golden->names()) {
    TensorBytes tensor = *golden->Find(name);
    if (tensor.type == TensorType::kF8E4M3) {
      plain.emplace_back(2 * tensor.bytes.size());
      tensor.type = TensorType::kBF16;
      tensor.bytes = plain.back();
    }
    content.tensors.emplace_back(name, tensor);
  }
  const TestFolder root;
  ASSERT_OK(WriteModelFolder(root.path(), content));
  const auto folder = *ModelFolder::Open(root.path());
  const FolderLayout layout = FindLayout(*folder, *ParseModelConfig(folder->config()));
  ASSERT_GT(layout.problems.size(), 1u);
  EXPECT_THAT(layout.problems[0],
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no weight has type F8_E4M3")));
  EXPECT_THAT(layout.problems[1], StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("_scale_inv: not a tensor")));
}

TEST(FolderLayoutFaultTest, CodesWhoseScalesAreMissingAreStillCodes) {
  const auto golden = *ModelFolder::Open(GoldenPath("models/v3_fp8"));
  ModelFolderContent content;
  content.config = golden->config();
  int64_t num_codes = 0;
  for (const std::string& name : golden->names()) {
    const TensorBytes tensor = *golden->Find(name);
    num_codes += tensor.type == TensorType::kF8E4M3 ? 1 : 0;
    if (!absl::EndsWith(name, kScaleSuffix)) content.tensors.emplace_back(name, tensor);
  }
  const TestFolder root;
  ASSERT_OK(WriteModelFolder(root.path(), content));
  const auto folder = *ModelFolder::Open(root.path());
  const FolderLayout layout = FindLayout(*folder, *ParseModelConfig(folder->config()));
  EXPECT_EQ(layout.num_problems, num_codes);
  for (const absl::Status& problem : layout.problems) {
    EXPECT_THAT(problem, StatusIs(absl::StatusCode::kNotFound, HasSubstr("is F8_E4M3 and needs its scales")));
  }
}

// What is first wrong with the golden v3_norope_fp32 and more tensors.
absl::Status FirstProblemWith(const std::vector<NamedTensorBytes>& extra, int64_t* num_problems = nullptr) {
  const auto golden = *ModelFolder::Open(GoldenPath("models/v3_norope_fp32"));
  ModelFolderContent content;
  content.config = golden->config();
  for (const std::string& name : golden->names()) content.tensors.emplace_back(name, *golden->Find(name));
  for (const NamedTensorBytes& tensor : extra) content.tensors.emplace_back(tensor.name, tensor.tensor);
  const TestFolder root;
  RETURN_IF_ERROR(WriteModelFolder(root.path(), content));
  const auto folder = *ModelFolder::Open(root.path());
  const FolderLayout layout = FindLayout(*folder, *ParseModelConfig(folder->config()));
  EXPECT_LE(layout.problems.size(), FolderLayout::kMaxProblems);
  if (num_problems != nullptr) *num_problems = layout.num_problems;
  return layout.FirstProblem();
}

TEST(FolderLayoutTest, TablesOfOldRotaryCodeMayBeLeftOver) {
  const ModelConfig config = *ParseModelConfig((*ModelFolder::Open(GoldenPath("models/v3_norope_fp32")))->config());
  const int64_t pairs = config.qk_rope_head_dim / 2;
  const std::vector<std::byte> bytes(8 * pairs);
  const auto table = [&](const std::string& name, TensorType type, std::vector<int64_t> shape) {
    const size_t size = static_cast<size_t>(TensorTypeBytes(type) * shape[0]);
    return FirstProblemWith({{name, {type, shape, absl::MakeConstSpan(bytes).subspan(0, size)}}});
  };
  const std::string first = "model.layers.0.self_attn.rotary_emb.inv_freq";
  EXPECT_OK(table(first, TensorType::kF32, {pairs}));
  const auto no_tensor = StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("inv_freq: not a tensor"));
  EXPECT_THAT(table(first, TensorType::kF32, {pairs + 1}), no_tensor);
  EXPECT_THAT(table(first, TensorType::kI64, {pairs}), no_tensor);
  for (const std::string& name :
       {absl::StrCat("model.layers.", config.num_layers, ".self_attn.rotary_emb.inv_freq"),
        std::string("model.layers.00.self_attn.rotary_emb.inv_freq"), std::string("vision.rotary_emb.inv_freq"),
        std::string("model.rotary_emb.inv_freq")}) {
    EXPECT_THAT(table(name, TensorType::kF32, {pairs}), no_tensor) << name;
  }
}

TEST(FolderLayoutFaultTest, OfManyProblemsTheFirstAreKeptAndAllAreCounted) {
  const std::vector<std::byte> bytes(4);
  std::vector<NamedTensorBytes> extra;
  for (int i = 0; i < 100; ++i) extra.push_back({absl::StrCat("extra.", i), {TensorType::kF32, {1}, bytes}});
  int64_t num_problems = 0;
  EXPECT_THAT(FirstProblemWith(extra, &num_problems),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("(and 99 problems more")));
  EXPECT_EQ(num_problems, 100);
}

}  // namespace
}  // namespace plumb
