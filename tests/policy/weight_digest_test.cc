#include "policy/weight_digest.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>

#include "policy/weights.h"
#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

using testing::SmallWeights;

absl::Span<const std::byte> BytesOf(const at::Tensor& tensor) {
  return absl::MakeConstSpan(static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes());
}

TEST(WeightDigestPropertyTest, AddsUpOverSlicesInAnyOrder) {
  const PolicyWeights weights = SmallWeights();
  uint64_t sum = 0;
  std::vector<PublishedTensor> tensors = PublishedTensors(weights);
  std::reverse(tensors.begin(), tensors.end());
  for (const PublishedTensor& tensor : tensors) {
    const absl::Span<const std::byte> bytes = BytesOf(tensor.view);
    const int64_t cut = tensor.view.numel() / 3;
    sum += DigestSlice(tensor.name, cut, bytes.subspan(cut * 4), 4);
    sum += DigestSlice(tensor.name, 0, bytes.subspan(0, cut * 4), 4);
  }
  EXPECT_EQ(sum, WeightDigest(weights));
}

TEST(WeightDigestPropertyTest, OneFlippedBitChangesIt) {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    PolicyWeights weights = SmallWeights(1, type);
    const uint64_t before = WeightDigest(weights);
    std::byte* bytes = static_cast<std::byte*>(weights.layers[2].expert_down.mutable_data_ptr());
    bytes[1001] ^= std::byte{1};
    EXPECT_NE(WeightDigest(weights), before);
    bytes[1001] ^= std::byte{1};
    EXPECT_EQ(WeightDigest(weights), before);
  }
}

TEST(WeightDigestTest, PlaceAndNameMatter) {
  const std::array<float, 2> ab = {1.0f, 2.0f};
  const std::array<float, 2> ba = {2.0f, 1.0f};
  const auto bytes = [](const std::array<float, 2>& values) {
    return absl::MakeConstSpan(reinterpret_cast<const std::byte*>(values.data()), 8);
  };
  EXPECT_NE(DigestSlice("w", 0, bytes(ab), 4), DigestSlice("w", 0, bytes(ba), 4));
  EXPECT_NE(DigestSlice("w", 0, bytes(ab), 4), DigestSlice("w", 1, bytes(ab), 4));
  EXPECT_NE(DigestSlice("w", 0, bytes(ab), 4), DigestSlice("v", 0, bytes(ab), 4));
}

}  // namespace
}  // namespace plumb
