#include "policy/kernels/mla_attention.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tests/policy/exactness/each_isa.h"
#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

using testing::MaxDifference;

struct Shape {
  std::vector<int64_t> lengths;
  int64_t num_heads;
  int64_t value_width;
  int64_t width;
};

// A batch with random contents.
struct Batch {
  PackedTokens tokens;
  at::Tensor queries;  // [N, H, W]
  at::Tensor latents;  // [N, W]
  double scale;
};

Batch RandomBatch(const Shape& shape, at::ScalarType type) {
  std::vector<std::vector<int64_t>> sequences;
  for (const int64_t length : shape.lengths) sequences.emplace_back(length, 1);
  Batch batch;
  batch.tokens = PackSequences(sequences);
  const int64_t n = batch.tokens.num_tokens();
  batch.queries = at::randn({n, shape.num_heads, shape.width}).to(type);
  batch.latents = at::randn({n, shape.width}).to(type);
  batch.scale = 1.5 / std::sqrt(static_cast<double>(shape.width));
  return batch;
}

void CompareWithReference(const Shape& shape, at::ScalarType type, double tolerance) {
  const Batch batch = RandomBatch(shape, type);
  const AttentionPlan plan = PlanAttention(batch.tokens, KvView::Own(), shape.num_heads);
  const at::Tensor expected =
      MlaAttentionReference(batch.queries, batch.latents, plan, shape.value_width, batch.scale).to(at::kFloat);
  const at::Tensor found = MlaAttention(batch.queries, batch.latents, plan, shape.value_width, batch.scale);
  EXPECT_EQ(found.scalar_type(), type);
  EXPECT_LE(MaxDifference(found.to(at::kFloat), expected), tolerance * (1.0 + expected.abs().max().item<double>()))
      << "heads " << shape.num_heads << ", width " << shape.value_width << " of " << shape.width << ", first length "
      << shape.lengths[0];
}

Shape RandomShape(std::mt19937& random) {
  const auto below = [&](int64_t limit) { return static_cast<int64_t>(random() % limit); };
  Shape shape;
  for (int64_t count = 1 + below(5); count > 0; --count) shape.lengths.push_back(1 + below(below(3) == 0 ? 400 : 90));
  shape.num_heads = 1 + below(below(3) == 0 ? 40 : 8);
  shape.value_width = 1 + below(70);
  shape.width = shape.value_width + below(30);
  return shape;
}

TEST(MlaAttentionConformanceTest, EqualsTheReference) {
  at::manual_seed(6);
  testing::ForEachIsa([](cpu::Isa) {
    std::mt19937 random(17);
    for (int trial = 0; trial < 24; ++trial) CompareWithReference(RandomShape(random), at::kFloat, 1e-5);
  });
}

TEST(MlaAttentionConformanceTest, PublishedWidths) {
  at::manual_seed(7);
  testing::ForEachIsa([](cpu::Isa) {
    CompareWithReference({{150, 70}, 16, 512, 576}, at::kFloat, 2e-5);
    CompareWithReference({{70, 1}, 128, 512, 576}, at::kFloat, 2e-5);
    CompareWithReference({{200, 33}, 8, 64, 80}, at::kFloat, 1e-5);
  });
}

TEST(MlaAttentionConformanceTest, Bfloat16) {
  at::manual_seed(8);
  testing::ForEachIsa([](cpu::Isa) {
    CompareWithReference({{150, 70, 5}, 8, 64, 80}, at::kBFloat16, 0.01);
    CompareWithReference({{300}, 5, 19, 30}, at::kBFloat16, 0.01);
  });
}

TEST(MlaAttentionTest, LogOfTheSumOfScores) {
  at::manual_seed(9);
  const Batch batch = RandomBatch({{3}, 2, 4, 6}, at::kFloat);
  const AttentionPlan plan = PlanAttention(batch.tokens, KvView::Own(), 2);
  testing::ForEachIsa([&](cpu::Isa) {
    at::Tensor logsumexp;
    MlaAttention(batch.queries, batch.latents, plan, 4, batch.scale, &logsumexp);
    const at::Tensor scores = batch.queries[2].mm(batch.latents.t()) * batch.scale;  // [H, 3]
    EXPECT_LE(MaxDifference(logsumexp[2], scores.logsumexp(1)), 1e-5);
    EXPECT_LE(MaxDifference(logsumexp[0], batch.queries[0].mv(batch.latents[0]) * batch.scale), 1e-5);
  });
}

TEST(MlaAttentionTest, OtherTypesTakeThePlainForm) {
  const Batch batch = RandomBatch({{5}, 2, 3, 4}, at::kDouble);
  const AttentionPlan plan = PlanAttention(batch.tokens, KvView::Own(), 2);
  EXPECT_TRUE(MlaAttention(batch.queries, batch.latents, plan, 3, 1.0)
                  .equal(MlaAttentionReference(batch.queries, batch.latents, plan, 3, 1.0)));
}

}  // namespace
}  // namespace plumb
