#include "checkpoint/number_formats.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::GoldenPath;

std::vector<float> Floats(const TensorBytes& tensor) {
  std::vector<float> values(tensor.bytes.size() / sizeof(float));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

template <typename Code>
Code Encode(TensorType type, float value) {
  Code code;
  FromFloats(type, absl::MakeConstSpan(&value, 1), reinterpret_cast<std::byte*>(&code));
  return code;
}

template <typename Code>
float Decode(TensorType type, Code code) {
  float value;
  ToFloats(type, absl::MakeConstSpan(reinterpret_cast<const std::byte*>(&code), sizeof(Code)), &value);
  return value;
}

TEST(NumberFormatsGoldenTest, AllCodesOfE4M3Decode) {
  ASSERT_OK_AND_ASSIGN(const auto file, SafetensorsFile::Open(GoldenPath("formats/fp8.safetensors")));
  const std::vector<float> expected = Floats(file->tensors().at("e4m3.decoded"));
  const TensorBytes& codes = file->tensors().at("e4m3.codes");
  std::vector<float> decoded(256);
  ToFloats(TensorType::kF8E4M3, codes.bytes, decoded.data());
  for (size_t i = 0; i < decoded.size(); ++i) {
    if (std::isnan(expected[i])) {
      EXPECT_TRUE(std::isnan(decoded[i])) << i;
    } else {
      EXPECT_EQ(std::memcmp(&decoded[i], &expected[i], sizeof(float)), 0) << i << " " << decoded[i];
    }
  }
}

TEST(NumberFormatsGoldenTest, EncodingE4M3RoundsToEvenAndStopsAtTheLargest) {
  ASSERT_OK_AND_ASSIGN(const auto file, SafetensorsFile::Open(GoldenPath("formats/fp8.safetensors")));
  const std::vector<float> values = Floats(file->tensors().at("e4m3.values"));
  const TensorBytes& expected = file->tensors().at("e4m3.encoded_saturating");
  std::vector<std::byte> codes(values.size());
  FromFloats(TensorType::kF8E4M3, values, codes.data());
  for (size_t i = 0; i < codes.size(); ++i) EXPECT_EQ(codes[i], expected.bytes[i]) << values[i];
}

TEST(NumberFormatsTest, EveryHalfReadsBackToItsCode) {
  for (uint32_t code = 0; code < 0x10000; ++code) {
    const float value = Decode<uint16_t>(TensorType::kF16, static_cast<uint16_t>(code));
    if (std::isnan(value)) {
      EXPECT_GT(code & 0x7fff, 0x7c00u);
      continue;
    }
    EXPECT_EQ(Encode<uint16_t>(TensorType::kF16, value), code);
  }
}

TEST(NumberFormatsTest, HalvesOfKnownValues) {
  EXPECT_EQ(Decode<uint16_t>(TensorType::kF16, 0x3c00), 1.0f);
  EXPECT_EQ(Decode<uint16_t>(TensorType::kF16, 0x0001), std::ldexp(1.0f, -24));
  EXPECT_EQ(Decode<uint16_t>(TensorType::kF16, 0x7bff), 65504.0f);
  EXPECT_EQ(Encode<uint16_t>(TensorType::kF16, 65519.9f), 0x7bff);
  EXPECT_EQ(Encode<uint16_t>(TensorType::kF16, 65520.0f), 0x7c00) << "halfway: to the even one, which is infinite";
  EXPECT_EQ(Encode<uint16_t>(TensorType::kF16, -1e9f), 0xfc00);
  EXPECT_EQ(Encode<uint16_t>(TensorType::kF16, 1.0f + std::ldexp(1.0f, -11)), 0x3c00) << "a tie goes to even";
  EXPECT_EQ(Encode<uint16_t>(TensorType::kF16, 1.0f + 3 * std::ldexp(1.0f, -11)), 0x3c02);
  EXPECT_EQ(Encode<uint16_t>(TensorType::kF16, std::ldexp(1.0f, -25)), 0x0000);
}

TEST(NumberFormatsTest, Bfloat16RoundsToEven) {
  EXPECT_EQ(Encode<uint16_t>(TensorType::kBF16, 1.0f), 0x3f80);
  EXPECT_EQ(Encode<uint16_t>(TensorType::kBF16, 1.0f + std::ldexp(1.0f, -8)), 0x3f80);
  EXPECT_EQ(Encode<uint16_t>(TensorType::kBF16, 1.0f + 3 * std::ldexp(1.0f, -8)), 0x3f82);
  EXPECT_EQ(Encode<uint16_t>(TensorType::kBF16, std::numeric_limits<float>::max()), 0x7f80);
  EXPECT_TRUE(std::isnan(Decode<uint16_t>(TensorType::kBF16, Encode<uint16_t>(TensorType::kBF16, NAN))));
}

TEST(NumberFormatsTest, E8M0HoldsPowersOfTwo) {
  EXPECT_EQ(Decode<uint8_t>(TensorType::kF8E8M0, 127), 1.0f);
  EXPECT_EQ(Decode<uint8_t>(TensorType::kF8E8M0, 0), std::ldexp(1.0f, -127));
  EXPECT_TRUE(std::isnan(Decode<uint8_t>(TensorType::kF8E8M0, 255)));
  EXPECT_EQ(Encode<uint8_t>(TensorType::kF8E8M0, 0.25f), 125);
}

}  // namespace
}  // namespace plumb
