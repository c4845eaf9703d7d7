#include "train/tensor_file.h"

#include <ATen/ATen.h>

#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::IsOk;
using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::HasSubstr;

TEST(TensorFileTest, ReadsBackTheSameBits) {
  const TestFolder folder;
  const std::map<std::string, at::Tensor> tensors = {
      {"matrix", at::arange(6, at::kFloat).view({2, 3})},
      {"turned", at::arange(6, at::kFloat).view({2, 3}).t()},
      {"half", at::full({3}, 1.5, at::kBFloat16)},
      {"count", at::full({}, int64_t{7}, at::kLong)},
      {"empty", at::empty({0, 4})},
  };
  ASSERT_OK(SaveTensors(folder.File("t"), tensors));
  ASSERT_OK_AND_ASSIGN(const auto read, LoadTensors(folder.File("t")));
  ASSERT_EQ(read.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(read.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_TRUE(at::equal(read.at(name), tensor)) << name;
  }
}

TEST(TensorFileFaultTest, NamesATypeThatCannotBeSaved) {
  const TestFolder folder;
  EXPECT_THAT(SaveTensors(folder.File("t"), {{"z", at::zeros({1}, at::kComplexFloat)}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("z: element type ComplexFloat")));
}

}  // namespace
}  // namespace plumb
