#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <map>

#include "checkpoint/model_folder.h"
#include "policy/policy_folder.h"
#include "policy/weights.h"
#include "tests/policy/golden_model.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using testing::GoldenModel;
using testing::GoldenModelNames;
using testing::SmallWeights;
using testing::TestFolder;

class SaveWeightsPropertyTest : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Models, SaveWeightsPropertyTest, ::testing::ValuesIn(GoldenModelNames()),
                         [](const auto& model) { return model.param; });

// A published model goes in and out: every tensor's type, shape and bytes, and every key of config.json.
TEST_P(SaveWeightsPropertyTest, LoadAndSaveKeepEveryByte) {
  const std::string source_path = testing::GoldenPath("models/" + GetParam());
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<ModelFolder> source, ModelFolder::Open(source_path));
  const bool bf16 = GetParam().find("bf16") != std::string::npos;
  const GoldenModel model(GetParam(), bf16 ? at::kBFloat16 : at::kFloat);
  const TestFolder folder;
  ASSERT_OK(SaveWeights(model.weights(), folder.path(), source_path));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<ModelFolder> saved, ModelFolder::Open(folder.path()));
  EXPECT_EQ(saved->config(), source->config());
  ASSERT_EQ(saved->names(), source->names());
  for (const std::string& name : source->names()) {
    ASSERT_OK_AND_ASSIGN(const TensorBytes before, source->Find(name));
    ASSERT_OK_AND_ASSIGN(const TensorBytes after, saved->Find(name));
    EXPECT_EQ(after.type, before.type) << name;
    EXPECT_EQ(after.shape, before.shape) << name;
    EXPECT_TRUE(after.bytes == before.bytes) << name;
  }
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

}  // namespace
}  // namespace plumb
