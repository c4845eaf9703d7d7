#include "checkpoint/fp8_blocks.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "checkpoint/number_formats.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::GoldenPath;

std::vector<float> Floats(const TensorBytes& tensor) {
  std::vector<float> values(tensor.bytes.size() / TensorTypeBytes(tensor.type));
  ToFloats(tensor.type, tensor.bytes, values.data());
  return values;
}

class Fp8BlocksGoldenTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { ASSERT_OK_AND_ASSIGN(file_, SafetensorsFile::Open(GoldenPath("formats/fp8.safetensors"))); }
  const TensorBytes& Tensor(const std::string& block, const std::string& name) const {
    return file_->tensors().at(absl::StrCat(block, ".", GetParam(), ".", name));
  }
  Fp8Scales Scales() const { return GetParam() == "f32" ? Fp8Scales::kFloat32 : Fp8Scales::kPowersOfTwo; }

  std::unique_ptr<SafetensorsFile> file_;
};
INSTANTIATE_TEST_SUITE_P(Scales, Fp8BlocksGoldenTest, ::testing::Values("f32", "ue8m0"));

TEST_P(Fp8BlocksGoldenTest, DecodingGivesTheSameBits) {
  for (const std::string block : {"block0", "block1", "block2"}) {
    const TensorBytes& weight = Tensor(block, "weight");
    std::vector<float> values = Floats(weight);
    ApplyFp8Scales(absl::MakeSpan(values), weight.shape[1], 0, Floats(Tensor(block, "weight_scale_inv")));
    const std::vector<float> expected = Floats(Tensor(block, "dequant"));
    EXPECT_EQ(std::memcmp(values.data(), expected.data(), expected.size() * sizeof(float)), 0) << block;
  }
}

TEST_P(Fp8BlocksGoldenTest, DecodingSomeRowsGivesThoseRows) {
  const TensorBytes& weight = Tensor("block0", "weight");
  const int64_t columns = weight.shape[1];
  std::vector<float> values = Floats(weight);
  std::vector<float> rows(values.begin() + 127 * columns, values.begin() + 130 * columns);
  ApplyFp8Scales(absl::MakeSpan(rows), columns, 127, Floats(Tensor("block0", "weight_scale_inv")));
  const std::vector<float> expected = Floats(Tensor("block0", "dequant"));
  EXPECT_TRUE(std::equal(rows.begin(), rows.end(), expected.begin() + 127 * columns));
}

TEST_P(Fp8BlocksGoldenTest, QuantizingGivesTheSameCodesAndScales) {
  for (const std::string block : {"block0", "block1", "block2"}) {
    const std::vector<float> source = Floats(file_->tensors().at(block + ".source"));
    const TensorBytes& weight = Tensor(block, "weight");
    const std::vector<float> scales = Floats(Tensor(block, "weight_scale_inv"));
    const int64_t columns = weight.shape[1];
    for (int64_t row = 0; row < weight.shape[0]; row += kFp8BlockSize) {
      const int64_t rows = std::min(kFp8BlockSize, weight.shape[0] - row);
      const Fp8Band band =
          QuantizeFp8Band(absl::MakeConstSpan(source).subspan(row * columns, rows * columns), columns, Scales());
      ASSERT_EQ(static_cast<int64_t>(band.scales.size()), NumFp8Blocks(columns));
      EXPECT_TRUE(std::equal(band.codes.begin(), band.codes.end(), weight.bytes.begin() + row * columns)) << block;
      EXPECT_TRUE(std::equal(band.scales.begin(), band.scales.end(),
                             scales.begin() + row / kFp8BlockSize * NumFp8Blocks(columns)))
          << block;
    }
  }
}

TEST(Fp8BlocksTest, ABlockOfZerosStaysZero) {
  const std::vector<float> zeros(6, 0.0f);
  const Fp8Band band = QuantizeFp8Band(zeros, 3, Fp8Scales::kFloat32);
  ASSERT_EQ(band.scales.size(), 1u);
  EXPECT_GT(band.scales[0], 0.0f);
  for (const std::byte code : band.codes) EXPECT_EQ(code, std::byte{0});
}

}  // namespace
}  // namespace plumb
