#include "checkpoint/safetensors.h"
#include "tests/tools/commands/tiny_policy.h"

namespace plumb::cli {
namespace {

using plumb::testing::CommandResult;
using plumb::testing::TestFolder;

TEST(GradientsCommandTest, WritesOneGradientPerPublishedTensorThatIsTrained) {
  const TestFolder folder;
  const std::string rows = WriteTemporary(folder, "rows.jsonl", "{\"ids\": [1, 2, 3, 4]}\n{\"ids\": [4, 3]}\n");
  const CommandResult result =
      Plumb({"gradients", "--model", TinyPolicy(), "--input", rows, "--output", folder.File("g.safetensors")});
  ASSERT_EQ(result.exit_code, 0) << result.errors;
  const auto gradients = *SafetensorsFile::Open(folder.File("g.safetensors"));
  const auto weights = *SafetensorsFile::Open(TinyPolicy() + "/model.safetensors");
  EXPECT_EQ(gradients->tensors().count("loss"), 1u);
  for (const auto& [name, tensor] : weights->tensors()) {
    const bool bias = name.find("e_score_correction_bias") != std::string::npos;
    ASSERT_EQ(gradients->tensors().count(name), bias ? 0u : 1u) << name;
    if (!bias) {
      EXPECT_EQ(gradients->tensors().at(name).shape, tensor.shape) << name;
    }
  }
}

}  // namespace
}  // namespace plumb::cli
