#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>

#include "checkpoint/model_folder.h"
#include "policy/export/folder_export.h"
#include "policy/kept_mtp.h"
#include "policy/policy_folder.h"
#include "policy/weights.h"
#include "tests/policy/export/mtp_folder.h"
#include "tests/policy/golden_model.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using testing::GoldenModel;
using testing::PlainGoldenModelNames;
using testing::SmallWeights;
using testing::TestFolder;

class SaveGoldenPropertyTest : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Models, SaveGoldenPropertyTest, ::testing::ValuesIn(PlainGoldenModelNames()),
                         [](const auto& model) { return model.param; });

// A published model goes in and out: every tensor's type, shape and bytes, and every key of config.json.
TEST_P(SaveGoldenPropertyTest, LoadAndSaveKeepEveryByte) {
  const std::string source_path = testing::GoldenPath("models/" + GetParam());
  const bool bf16 = GetParam().find("bf16") != std::string::npos;
  const GoldenModel model(GetParam(), bf16 ? at::kBFloat16 : at::kFloat);
  const TestFolder folder;
  ASSERT_OK(SaveWeights(model.weights(), folder.path(), source_path));
  testing::ExpectSameFolders(source_path, folder.path());
  EXPECT_EQ(testing::MustRead(folder.File("generation_config.json")),
            testing::MustRead(source_path + "/generation_config.json"));
}

// A trained router is float32; rounding it on the way out would change which experts are chosen.
TEST(SaveWeightsTest, ARouterThatBfloat16CannotHoldIsKeptWhole) {
  PolicyWeights weights = SmallWeights(1, at::kBFloat16);
  weights.layers[1].gate.fill_(0.1f);
  const TestFolder folder;
  ASSERT_OK(SaveWeights(weights, folder.path(), ""));
  ASSERT_OK_AND_ASSIGN(const PolicyWeights loaded, LoadPolicyFolder(folder.path(), at::kBFloat16, at::kCPU));
  EXPECT_TRUE(loaded.layers[1].gate.equal(weights.layers[1].gate));
  EXPECT_EQ(WeightDigest(loaded), WeightDigest(weights));
  EXPECT_EQ(loaded.config.source["torch_dtype"], "bfloat16");
}

TEST(SaveWeightsTest, LayersThatWereLeftOutAreNotClaimed) {
  PolicyWeights weights = SmallWeights();
  weights.config.num_mtp_layers = 1;
  weights.config.source["num_nextn_predict_layers"] = 1;
  const TestFolder folder;
  ASSERT_OK(SaveWeights(weights, folder.path(), ""));
  EXPECT_EQ(testing::MustReadJson(folder.File("config.json"))["num_nextn_predict_layers"], 0);
}

// The folder of a model with a layer for multi-token prediction; `fp8` writes it in FP8 blocks.
void WriteMtp(const std::string& path, bool fp8) {
  const TestFolder plain;
  ASSERT_OK(testing::WriteMtpFolder(fp8 ? plain.path() : path));
  if (!fp8) return;
  ASSERT_OK_AND_ASSIGN(std::shared_ptr<const ModelFolder> source, ModelFolder::Open(plain.path()));
  ASSERT_OK_AND_ASSIGN(const auto plan, FolderExport::Plan(source, {.type = TensorType::kF8E4M3}));
  ASSERT_OK(plan->Write(path));
}

TEST(SaveWeightsPropertyTest, LayersForMultiTokenPredictionPassThroughByteForByte) {
  const TestFolder source;
  const TestFolder saved;
  WriteMtp(source.path(), false);
  ASSERT_OK_AND_ASSIGN(const PolicyWeights weights, LoadPolicyFolder(source.path(), at::kFloat, at::kCPU));
  ASSERT_OK(SaveWeights(CloneWeights(weights), saved.path(), source.path()));
  testing::ExpectSameFolders(source.path(), saved.path());
}

TEST(SaveWeightsTest, CopiesOfTheEmbeddingAndTheHeadFollowTheTrainedOnes) {
  const TestFolder source;
  const TestFolder saved;
  WriteMtp(source.path(), false);
  ASSERT_OK_AND_ASSIGN(PolicyWeights weights, LoadPolicyFolder(source.path(), at::kFloat, at::kCPU));
  weights.embed.fill_(0.25);
  weights.lm_head.fill_(0.5);
  ASSERT_OK(SaveWeights(weights, saved.path(), source.path()));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<ModelFolder> folder, ModelFolder::Open(saved.path()));
  EXPECT_EQ(folder->Find("model.layers.3.embed_tokens.weight")->bytes,
            folder->Find("model.embed_tokens.weight")->bytes);
  EXPECT_EQ(folder->Find("model.layers.3.shared_head.head.weight")->bytes, folder->Find("lm_head.weight")->bytes);
}

TEST(SaveWeightsTest, KeptLayersOutliveTheFilesThatTheyCameFrom) {
  const TestFolder saved;
  const TestFolder copy;
  WriteMtp(copy.path(), false);
  PolicyWeights weights;
  {
    const TestFolder source;
    WriteMtp(source.path(), false);
    ASSERT_OK_AND_ASSIGN(weights, LoadPolicyFolder(source.path(), at::kFloat, at::kCPU));
  }
  ASSERT_OK(SaveWeights(weights, saved.path(), copy.path()));
  testing::ExpectSameFolders(copy.path(), saved.path());
}

// What was stored in FP8 blocks is saved plain, kept layers too, and config.json says so.
TEST(SaveWeightsTest, BlocksBecomePlainEverywhere) {
  const TestFolder source;
  const TestFolder saved;
  WriteMtp(source.path(), true);
  ASSERT_OK_AND_ASSIGN(const PolicyWeights weights, LoadPolicyFolder(source.path(), at::kFloat, at::kCPU));
  ASSERT_NE(weights.mtp, nullptr);
  ASSERT_OK(SaveWeights(weights, saved.path(), source.path()));
  ASSERT_OK_AND_ASSIGN(const PolicyWeights loaded, LoadPolicyFolder(saved.path(), at::kFloat, at::kCPU));
  EXPECT_EQ(WeightDigest(loaded), WeightDigest(weights));
  ASSERT_NE(loaded.mtp, nullptr);
  EXPECT_EQ(loaded.mtp->tensors.size(), weights.mtp->tensors.size());
  EXPECT_FALSE(loaded.mtp->folder->config().contains("quantization_config"));
  for (size_t i = 0; i < weights.mtp->tensors.size(); ++i) {
    const WeightRows& before = weights.mtp->tensors[i].rows;
    const WeightRows& after = loaded.mtp->tensors[i].rows;
    EXPECT_FALSE(after.weight.quantized());
    std::vector<float> left(before.num_rows * before.weight.row_size());
    std::vector<float> right(left.size());
    before.weight.ReadRows(0, before.num_rows, left.data());
    after.weight.ReadRows(0, after.num_rows, right.data());
    EXPECT_EQ(left, right) << weights.mtp->tensors[i].name;
  }
}

}  // namespace
}  // namespace plumb
