#include "checkpoint/stored_weight.h"

#include <cstring>

#include "base/file.h"
#include "base/status_macros.h"
#include "checkpoint/number_formats.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::IsOk;
using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A folder with one FP8 matrix "w" of [2, 130] in a shard, and its scales in another.
class StoredWeightTest : public ::testing::Test {
 protected:
  StoredWeightTest() : codes_(260, std::byte{0x38}) {}  // 1.0

  absl::StatusOr<StoredWeight> WriteAndFind(TensorType scale_type, std::vector<int64_t> scale_shape,
                                            const std::vector<float>& scales) {
    RETURN_IF_ERROR(WriteFileAtomic(folder_.File("config.json"), "{}"));
    std::vector<std::byte> bytes(scales.size() * TensorTypeBytes(scale_type));
    FromFloats(scale_type, scales, bytes.data());
    RETURN_IF_ERROR(WriteSafetensors(folder_.File("a.safetensors"), {{"w", {TensorType::kF8E4M3, {2, 130}, codes_}}}));
    RETURN_IF_ERROR(
        WriteSafetensors(folder_.File("b.safetensors"), {{"w_scale_inv", {scale_type, scale_shape, bytes}}}));
    RETURN_IF_ERROR(WriteFileAtomic(folder_.File("model.safetensors.index.json"),
                                    R"({"weight_map": {"w": "a.safetensors", "w_scale_inv": "b.safetensors"}})"));
    ASSIGN_OR_RETURN(model_, ModelFolder::Open(folder_.path()));
    return StoredWeight::Find(*model_, "w");
  }

  std::vector<std::byte> codes_;
  TestFolder folder_;
  std::unique_ptr<ModelFolder> model_;
};

TEST_F(StoredWeightTest, ScalesMayLieInAnotherShardAndCoverPartialBlocks) {
  ASSERT_OK_AND_ASSIGN(const StoredWeight weight, WriteAndFind(TensorType::kF32, {1, 2}, {2.0f, 3.0f}));
  EXPECT_TRUE(weight.quantized());
  std::vector<float> row(130);
  weight.ReadRows(1, 1, row.data());
  EXPECT_EQ(row[0], 2.0f);
  EXPECT_EQ(row[127], 2.0f);
  EXPECT_EQ(row[128], 3.0f);
}

TEST_F(StoredWeightTest, ScalesMayBePowersOfTwoInOneByte) {
  ASSERT_OK_AND_ASSIGN(const StoredWeight weight, WriteAndFind(TensorType::kF8E8M0, {1, 2}, {0.5f, 4.0f}));
  std::vector<float> row(130);
  weight.ReadRows(0, 1, row.data());
  EXPECT_EQ(row[0], 0.5f);
  EXPECT_EQ(row[129], 4.0f);
}

TEST_F(StoredWeightTest, WrongScalesAreNamed) {
  EXPECT_THAT(WriteAndFind(TensorType::kF32, {2, 1}, {1, 1}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("w_scale_inv: shape is [2, 1], expected [1, 2]")));
  EXPECT_THAT(WriteAndFind(TensorType::kBF16, {1, 2}, {1, 1}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("w_scale_inv: type is BF16")));
}

TEST(StoredWeightFaultTest, MissingScalesAndTypesThatAreNoWeightsAreNamed) {
  const TestFolder folder;
  const std::vector<std::byte> bytes(8);
  ASSERT_OK(WriteFileAtomic(folder.File("config.json"), "{}"));
  ASSERT_OK(WriteSafetensors(folder.File("model.safetensors"), {{"w", {TensorType::kF8E4M3, {2, 4}, bytes}},
                                                                {"stacked", {TensorType::kF8E4M3, {2, 2, 2}, bytes}},
                                                                {"packed", {TensorType::kI32, {2}, bytes}}}));
  ASSERT_OK_AND_ASSIGN(const auto model, ModelFolder::Open(folder.path()));
  EXPECT_THAT(StoredWeight::Find(*model, "w"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("w is F8_E4M3 and needs its scales: w_scale_inv")));
  EXPECT_THAT(StoredWeight::Find(*model, "stacked"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("stacked")));
  EXPECT_THAT(StoredWeight::Find(*model, "packed"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("packed: type is I32")));
  EXPECT_THAT(StoredWeight::Find(*model, "none"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("none")));
}

TEST(StoredWeightPropertyTest, PiecesAreTheWholeAndAreReadableAgain) {
  const TestFolder folder;
  std::vector<float> values(600 * 4096);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 1013);
  const absl::Span<const std::byte> bytes(reinterpret_cast<const std::byte*>(values.data()), values.size() * 4);
  ASSERT_OK(WriteFileAtomic(folder.File("config.json"), "{}"));
  ASSERT_OK(WriteSafetensors(folder.File("model.safetensors"), {{"w", {TensorType::kF32, {2, 300, 4096}, bytes}}}));
  ASSERT_OK_AND_ASSIGN(const auto model, ModelFolder::Open(folder.path()));
  ASSERT_OK_AND_ASSIGN(const StoredWeight weight, StoredWeight::Find(*model, "w"));
  EXPECT_THAT(weight.shape(), ElementsAre(2, 300, 4096));
  for (int repeat = 0; repeat < 2; ++repeat) {
    std::vector<float> read;
    int pieces = 0;
    ASSERT_OK(ForEachPiece({weight, 1, 599}, [&](int64_t first, absl::Span<const float> piece) {
      EXPECT_EQ(first * 4096, static_cast<int64_t>(read.size()));
      read.insert(read.end(), piece.begin(), piece.end());
      ++pieces;
      return absl::OkStatus();
    }));
    EXPECT_GT(pieces, 1);
    EXPECT_TRUE(std::equal(read.begin(), read.end(), values.begin() + 4096, values.end()));
  }
}

TEST_F(StoredWeightTest, TellsScalesThatArePowersOfTwo) {
  EXPECT_TRUE(WriteAndFind(TensorType::kF32, {1, 2}, {0.25f, 8.0f})->HasPowersOfTwo());
  EXPECT_FALSE(WriteAndFind(TensorType::kF32, {1, 2}, {0.25f, 0.3f})->HasPowersOfTwo());
  EXPECT_FALSE(WriteAndFind(TensorType::kF32, {1, 2}, {0.25f, 0.0f})->HasPowersOfTwo());
  EXPECT_FALSE(WriteAndFind(TensorType::kF32, {1, 2}, {-0.25f, 1.0f})->HasPowersOfTwo());
}

}  // namespace
}  // namespace plumb
