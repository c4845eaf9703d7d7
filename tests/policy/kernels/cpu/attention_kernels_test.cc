#include "policy/kernels/cpu/attention_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace plumb::cpu {
namespace {

// The classes of this machine.
std::vector<const AttentionKernels*> Classes() {
  std::vector<const AttentionKernels*> classes;
  if (CpuSupports(Isa::kAvx2)) classes.push_back(&kAttentionKernelsAvx2);
  if (CpuSupports(Isa::kAvx512)) classes.push_back(&kAttentionKernelsAvx512);
  return classes;
}

std::vector<float> Numbers(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
  std::vector<float> numbers(count);
  for (float& number : numbers) number = uniform(random);
  return numbers;
}

constexpr int kInner = 9;
constexpr int kStride = 80;
constexpr float kOld = 7.0f;

// rows x columns results, each against its chain; what lies beyond has to stay.
void ExpectChains(const AttentionKernels& kernels, int rows, int columns) {
  const std::vector<float> a = Numbers(rows * kInner, 1);
  const std::vector<float> b = Numbers(kInner * kStride, 2);
  std::vector<float> y(rows * kStride, kOld);
  WeightedSum sum;
  sum.a = a.data();
  sum.row_stride = kInner;
  sum.inner_stride = 1;
  sum.inner = kInner;
  sum.b = b.data();
  sum.b_stride = kStride;
  sum.y = y.data();
  sum.y_stride = kStride;
  sum.rows = rows;
  sum.columns = columns;
  sum.from_zero = columns % 2 == 0;
  kernels.weighted_sum(sum);
  for (int place = 0; place < rows * kStride; ++place) {
    const int column = place % kStride;
    float expected = sum.from_zero ? 0.0f : kOld;
    for (int k = 0; k < kInner; ++k)
      expected = std::fma(a[place / kStride * kInner + k], b[k * kStride + column], expected);
    ASSERT_EQ(y[place], column < columns ? expected : kOld) << rows << " x " << columns << " at " << place;
  }
}

// Every count of rows and columns takes another set of tiles, tails among them.
TEST(AttentionKernelsPropertyTest, WeightedSumsAreOneChainInAscendingOrder) {
  for (const AttentionKernels* kernels : Classes()) {
    for (int rows = 1; rows <= 17; ++rows) {
      for (int columns = 1; columns <= 75; ++columns) ExpectChains(*kernels, rows, columns);
    }
    ExpectChains(*kernels, 1, kStride);
  }
}

// `count` rows from row 2 on, of tokens with 3 heads of which the tensor has 5.
void ExpectByLane(const AttentionKernels& kernels, int count) {
  constexpr int kWidth = 11;
  const std::vector<float> from = Numbers(12 * 5 * kWidth, 3);
  std::vector<float> to(kWidth * kMaxChunkRows, kOld);
  kernels.pack_by_lane(from.data(), {FloatType::kFloat32, 5 * kWidth, 3, kWidth, 2, count}, 2.0f, to.data());
  const int lanes = count > kernels.lanes ? kernels.chunk_rows : kernels.lanes;
  for (int place = 0; place < kWidth * lanes; ++place) {
    const int lane = place % lanes;
    const int w = place / lanes;
    const int row = 2 + lane;
    const float expected = lane < count ? 2.0f * from[row / 3 * 5 * kWidth + row % 3 * kWidth + w] : 0.0f;
    ASSERT_EQ(to[w * kMaxChunkRows + lane], expected) << count << " rows: " << w << ", " << lane;
  }
}

TEST(AttentionKernelsTest, RowsByLaneAreScaledAndTheOtherLanesZero) {
  for (const AttentionKernels* kernels : Classes()) {
    for (int count = 1; count <= kernels->chunk_rows; ++count) ExpectByLane(*kernels, count);
  }
}

TEST(AttentionKernelsTest, ASplitWithoutAVisibleKeyChangesNothing) {
  for (const AttentionKernels* kernels : Classes()) {
    std::vector<float> maximum = {3.0f, -1.0f};
    std::vector<float> sum = {2.0f, 0.5f};
    std::vector<float> output(2 * 16, 0.25f);
    std::vector<float> next_maximum = {-3.40282347e38f, 1.0f};
    std::vector<float> next_sum = {0.0f, 1.0f};
    std::vector<float> next_output(2 * 16, 0.0f);
    kernels->merge({maximum.data(), sum.data(), output.data()},
                   {next_maximum.data(), next_sum.data(), next_output.data()}, 2, 16);
    EXPECT_EQ(maximum, (std::vector<float>{3.0f, 1.0f}));
    EXPECT_EQ(sum[0], 2.0f);
    EXPECT_EQ(output[3], 0.25f);
    EXPECT_NEAR(sum[1], 1.0f + 0.5f * std::exp(-2.0f), 1e-6);
    EXPECT_NEAR(output[16 + 3], 0.25f * std::exp(-2.0f), 1e-6);
  }
}

TEST(AttentionKernelsTest, RowsAreWrittenInTheTensorsTypeAndOrder) {
  for (const AttentionKernels* kernels : Classes()) {
    const std::vector<float> from = {1.0f, 1.00390625f, 0.0f, 3.0f, -1.0f, 0.0f};  // two rows of two, three apart
    const std::vector<float> factors = {1.0f, 0.5f};
    std::vector<uint16_t> to(8, 0xffff);
    const HeadRows rows = {FloatType::kBf16, 4, 1, 2, 0, 2};
    kernels->write(from.data(), 3, factors.data(), rows, to.data());
    // 1 + 2^-8 lies between two numbers: to the even one.
    EXPECT_EQ(to, (std::vector<uint16_t>{0x3f80, 0x3f80, 0xffff, 0xffff, 0x3fc0, 0xbf00, 0xffff, 0xffff}));
  }
}

}  // namespace
}  // namespace plumb::cpu
