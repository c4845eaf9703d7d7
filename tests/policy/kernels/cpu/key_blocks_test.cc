#include "policy/kernels/cpu/key_blocks.h"

#include <gtest/gtest.h>

#include <vector>

namespace plumb::cpu {
namespace {

constexpr int64_t kWidth = 3;

// Two blocks at rows 64 and 0, and tokens at positions 60 ... 69.
struct Fixture {
  Fixture() : latents(128 * kWidth) {
    for (size_t i = 0; i < latents.size(); ++i) latents[i] = static_cast<float>(i);
    span = {0, 10, 60, 0, 2};
    units.block_rows = {64, 0};
    input.latents = latents.data();
    input.width = kWidth;
    input.value_width = 2;
  }

  std::vector<float> latents;
  AttentionSpan span;
  AttentionUnits units;
  AttentionInput input;
  float limits[kMaxChunkRows] = {};
};

TEST(KeyBlocksTest, Float32IsReadInPlaceAsFarAsTheSpanSees) {
  const Fixture f;
  KeyBlocks keys(f.input, ActiveAttentionKernels(), nullptr);
  keys.Load(f.units, f.span, 0);
  EXPECT_EQ(keys.whole().keys, f.latents.data() + 64 * kWidth);
  EXPECT_EQ(keys.whole().num_keys, 64);
  EXPECT_EQ(keys.whole().to_next, -64 * kWidth);
  EXPECT_EQ(keys.whole().values, keys.whole().keys);
  keys.Load(f.units, f.span, 1);
  EXPECT_EQ(keys.whole().keys, f.latents.data());
  EXPECT_EQ(keys.whole().num_keys, 6);
  EXPECT_EQ(keys.whole().to_next, 0);
}

TEST(KeyBlocksTest, EachRowSeesTheKeysUpToItsPosition) {
  Fixture f;
  KeyBlocks keys(f.input, ActiveAttentionKernels(), nullptr);
  keys.Load(f.units, f.span, 1);
  // Two heads: rows 5 ... 11 are tokens 2 (its second head) ... 5, positions 62 ... 65.
  const KeyBlock seen = SeenBy(keys.whole(), 1, f.span, 2, {5, 7}, f.limits);
  EXPECT_EQ(seen.num_keys, 2);
  EXPECT_TRUE(seen.masked);
  EXPECT_EQ(f.limits[0], -2.0f);
  EXPECT_EQ(f.limits[6], 1.0f);
  EXPECT_EQ(SeenBy(keys.whole(), 1, f.span, 2, {0, 8}, f.limits).num_keys, 0);
  EXPECT_FALSE(SeenBy(keys.whole(), 1, f.span, 2, {18, 2}, f.limits).masked);
}

TEST(KeyBlocksTest, Bfloat16IsWidened) {
  const Fixture f;
  std::vector<uint16_t> narrow(128 * kWidth, 0x3f80);  // 1
  narrow[4] = 0xc000;                                  // -2
  AttentionInput input = f.input;
  input.latents = narrow.data();
  input.latent_type = FloatType::kBf16;
  std::vector<float> scratch(KeyBlocks::ScratchSize(input, ActiveAttentionKernels()));
  KeyBlocks keys(input, ActiveAttentionKernels(), scratch.data());
  keys.Load(f.units, f.span, 1);
  const KeyBlock& block = keys.whole();
  EXPECT_EQ(block.keys[0], 1.0f);
  EXPECT_EQ(block.keys[block.stride + 1], -2.0f);
  EXPECT_EQ(block.keys[block.stride + 3], 0.0f);
}

}  // namespace
}  // namespace plumb::cpu
