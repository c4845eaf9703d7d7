#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "checkpoint/model_folder.h"
#include "policy/policy_folder.h"
#include "policy/weights.h"
#include "tests/policy/golden_model.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::testing::HasSubstr;
using testing::SmallWeights;
using testing::StatusIs;
using testing::TestFolder;

// What a folder of `weights` would hold; tests change it before it is written.
class FolderDraft {
 public:
  explicit FolderDraft(const PolicyWeights& weights) {
    content_.config = weights.config.source;
    for (const PublishedTensor& tensor : PublishedTensors(weights)) Add(tensor.name, tensor.view);
  }
  void Add(const std::string& name, const at::Tensor& value) {
    kept_.push_back(value);
    const auto* bytes = static_cast<const std::byte*>(value.const_data_ptr());
    content_.tensors.push_back(
        {name, {TensorType::kF32, value.sizes().vec(), absl::MakeConstSpan(bytes, value.nbytes())}});
  }
  void Remove(const std::string& name) {
    std::erase_if(content_.tensors, [&](const StreamedTensor& tensor) { return tensor.name == name; });
  }
  Json& config() { return content_.config; }
  absl::StatusOr<PolicyWeights> WriteAndLoad() {
    const absl::Status written = WriteModelFolder(folder_.path(), content_);
    return written.ok() ? LoadPolicyFolder(folder_.path(), at::kFloat, at::kCPU) : written;
  }

 private:
  TestFolder folder_;
  ModelFolderContent content_;
  std::vector<at::Tensor> kept_;
};

TEST(LoadWeightsFaultTest, MissingTensorIsNamed) {
  FolderDraft draft(SmallWeights());
  draft.Remove("model.layers.2.mlp.experts.5.down_proj.weight");
  EXPECT_THAT(draft.WriteAndLoad(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("model.layers.2.mlp.experts.5.down_proj.weight")));
}

TEST(LoadWeightsFaultTest, TensorTooManyIsNamed) {
  FolderDraft draft(SmallWeights());
  draft.Add("model.layers.0.self_attn.k_proj.weight", at::zeros({2, 2}));
  EXPECT_THAT(draft.WriteAndLoad(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("model.layers.0.self_attn.k_proj.weight: not")));
}

TEST(LoadWeightsFaultTest, WrongShapeNamesTheExpectedOne) {
  FolderDraft draft(SmallWeights());
  draft.Remove("model.norm.weight");
  draft.Add("model.norm.weight", at::zeros({64}));
  EXPECT_THAT(draft.WriteAndLoad(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("model.norm.weight: shape is [64], expected [128]; it lies in /")));
}

TEST(LoadWeightsTest, LayersForMultiTokenPredictionMayBeMissingAndRotaryTablesLeftOver) {
  FolderDraft draft(SmallWeights());
  draft.config()["num_nextn_predict_layers"] = 1;
  draft.Add("model.layers.0.self_attn.rotary_emb.inv_freq", at::zeros({8}));
  ASSERT_OK_AND_ASSIGN(const PolicyWeights weights, draft.WriteAndLoad());
  EXPECT_EQ(weights.mtp, nullptr);
}

TEST(LoadWeightsFaultTest, HalfALayerForMultiTokenPredictionIsAnError) {
  FolderDraft draft(SmallWeights());
  draft.config()["num_nextn_predict_layers"] = 1;
  draft.Add("model.layers.3.enorm.weight", at::zeros({128}));
  EXPECT_THAT(draft.WriteAndLoad(),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("model.layers.3.input_layernorm.weight")));
}

TEST(LoadWeightsFaultTest, BlocksNeedAConfigurationThatSaysHowToReadThem) {
  const testing::TestFolder folder;
  ASSERT_OK_AND_ASSIGN(const auto golden, ModelFolder::Open(testing::GoldenPath("models/v3_fp8")));
  ModelFolderContent content;
  content.config = golden->config();
  content.config.erase("quantization_config");
  for (const std::string& name : golden->names()) content.tensors.emplace_back(name, *golden->Find(name));
  ASSERT_OK(WriteModelFolder(folder.path(), content));
  EXPECT_THAT(LoadPolicyFolder(folder.path(), at::kFloat, at::kCPU),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("quantization_config")));
}

TEST(LoadWeightsTest, FusedExpertsAreAccepted) {
  const PolicyWeights weights = SmallWeights();
  FolderDraft draft(weights);
  for (const PublishedTensor& tensor : PublishedTensors(weights)) {
    if (tensor.name.find(".mlp.experts.") != std::string::npos) draft.Remove(tensor.name);
  }
  for (int layer = 1; layer < 3; ++layer) {
    const std::string prefix = "model.layers." + std::to_string(layer) + ".mlp.experts.";
    draft.Add(prefix + "gate_up_proj", weights.layers[layer].expert_gate_up);
    draft.Add(prefix + "down_proj", weights.layers[layer].expert_down);
  }
  ASSERT_OK_AND_ASSIGN(const PolicyWeights loaded, draft.WriteAndLoad());
  EXPECT_EQ(WeightDigest(loaded), WeightDigest(weights));
}

TEST(LoadWeightsTest, AStoredTiedHeadHasToBeTheEmbedding) {
  FolderDraft draft(SmallWeights());
  draft.config()["tie_word_embeddings"] = true;
  EXPECT_THAT(draft.WriteAndLoad(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("lm_head.weight: differs")));
}

}  // namespace
}  // namespace plumb
