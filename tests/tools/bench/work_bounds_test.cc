#include "tools/bench/work_bounds.h"

#include <gtest/gtest.h>

#include "policy/presets.h"

namespace plumb::cli {
namespace {

ModelConfig Preset(const std::string& name, int64_t vocabulary) {
  return ParseModelConfig(*PresetConfig(name, vocabulary, /*bos_id=*/0, /*eos_id=*/1)).value();
}

// bench-t by hand, without its norms and gate: attention of a layer 256*384 q + 256*80 kv_a + 64*512 kv_b + 256*256 o;
// 3*256*688 the dense layer; 3*256*128 each of 4 + 1 experts in 5 layers; the head 4096*256.
constexpr double kAttention = 256 * 384 + 256 * 80 + 64 * 512 + 256 * 256;
constexpr double kExpert = 3 * 256 * 128;
constexpr double kHead = 4096 * 256;
constexpr double kActive = 6 * kAttention + 3 * 256 * 688 + 5 * 5 * kExpert + kHead;

TEST(WorkBoundsTest, OneSequenceReadsTheActiveWeightsAndItsCache) {
  const Work work = DecodeWork(Preset("bench-t", 4096), /*batch=*/1, /*context=*/192, /*element_bytes=*/4);
  EXPECT_NEAR(work.bytes, 4 * (kActive + 192 * 6 * 80), 0.01 * work.bytes);
  EXPECT_NEAR(work.flops, 2 * kActive + 2.0 * 8 * (80 + 64) * 6 * 192, 0.01 * work.flops);
}

TEST(WorkBoundsTest, ManySequencesReadEveryExpertOnce) {
  const ModelConfig config = Preset("bench-t", 4096);
  EXPECT_DOUBLE_EQ(DistinctExperts(config, 1), 4);
  EXPECT_DOUBLE_EQ(DistinctExperts(config, 2), 7);  // 16 * (1 - 0.75^2)
  EXPECT_NEAR(DistinctExperts(config, 64), 16, 1e-6);
  const Work one = DecodeWork(config, 1, 0, 4);
  const Work many = DecodeWork(config, 64, 0, 4);
  EXPECT_NEAR(many.bytes - one.bytes, 4 * 5 * 12 * kExpert, 1e3);
  EXPECT_DOUBLE_EQ(many.flops, 64 * one.flops);
}

TEST(WorkBoundsTest, APrefillNeedsTheHeadForTheLastPositionsOnly) {
  const Work work = PrefillWork(Preset("bench-t", 4096), /*batch=*/2, /*length=*/128, /*element_bytes=*/4);
  const double attention = 2.0 * 8 * (48 + 32) * 6 * 64;
  EXPECT_NEAR(work.flops, 256 * (2 * (kActive - kHead) + attention) + 2 * 2 * kHead, 0.01 * work.flops);
}

TEST(WorkBoundsTest, TrainingIsThreeForwards) {
  const Work work = TrainWork(Preset("bench-t", 4096), /*tokens=*/1000, /*length=*/512);
  EXPECT_NEAR(work.flops, 1000 * (6 * kActive + 3 * 2.0 * 8 * 80 * 6 * 256), 0.01 * work.flops);
}

TEST(WorkBoundsTest, TheSlowerOfReadingAndComputingIsTheBound) {
  EXPECT_DOUBLE_EQ(LeastSeconds({100, 1000}, 10, 1000), 10);
  EXPECT_DOUBLE_EQ(LeastSeconds({100, 1000}, 1000, 10), 100);
  const Work sum = Work{1, 2} + Work{3, 4};
  EXPECT_DOUBLE_EQ(sum.bytes, 4);
  EXPECT_DOUBLE_EQ(sum.flops, 6);
}

}  // namespace
}  // namespace plumb::cli
