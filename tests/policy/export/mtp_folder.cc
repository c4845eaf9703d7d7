#include "tests/policy/export/mtp_folder.h"

#include <ATen/ATen.h>

#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "checkpoint/model_folder.h"
#include "policy/weights.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb::testing {
namespace {

absl::Span<const std::byte> BytesOf(const at::Tensor& value) {
  return {static_cast<const std::byte*>(value.const_data_ptr()), value.nbytes()};
}

}  // namespace

absl::Status WriteMtpFolder(const std::string& path) {
  const std::string source_path = GoldenPath("models/v3_fp32");
  ASSIGN_OR_RETURN(const std::unique_ptr<ModelFolder> source, ModelFolder::Open(source_path));
  ModelFolderContent content;
  content.config = source->config();
  content.config["num_nextn_predict_layers"] = 1;
  content.copy_text_files_from = source_path;
  for (const std::string& name : source->names()) content.tensors.emplace_back(name, *source->Find(name));
  ASSIGN_OR_RETURN(const ModelConfig config, ParseModelConfig(content.config));
  std::vector<at::Tensor> kept;
  for (const PublishedTensor& tensor : ExpectedMtpTensors(config)) {
    if (IsMtpCopy(tensor.name)) {
      const bool head = absl::EndsWith(tensor.name, "head.weight");
      content.tensors.emplace_back(tensor.name, *source->Find(head ? "lm_head.weight" : "model.embed_tokens.weight"));
      continue;
    }
    const at::Tensor steps = at::arange(tensor.view.numel(), at::kFloat).view(tensor.view.sizes());
    const bool bias = absl::EndsWith(tensor.name, "_bias");
    kept.push_back((steps * 0.7).sin().mul(0.1).to(bias ? at::kFloat : at::kBFloat16));
    content.tensors.emplace_back(tensor.name, TensorBytes{bias ? TensorType::kF32 : TensorType::kBF16,
                                                          tensor.view.sizes().vec(), BytesOf(kept.back())});
  }
  return WriteModelFolder(path, content);
}

void ExpectSameFolders(const std::string& expected, const std::string& found) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<ModelFolder> left, ModelFolder::Open(expected));
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<ModelFolder> right, ModelFolder::Open(found));
  EXPECT_EQ(right->config(), left->config());
  ASSERT_EQ(right->names(), left->names());
  for (const std::string& name : left->names()) {
    ASSERT_OK_AND_ASSIGN(const TensorBytes before, left->Find(name));
    ASSERT_OK_AND_ASSIGN(const TensorBytes after, right->Find(name));
    EXPECT_EQ(after.type, before.type) << name;
    EXPECT_EQ(after.shape, before.shape) << name;
    EXPECT_TRUE(after.bytes == before.bytes) << name;
  }
}

}  // namespace plumb::testing
