#include "policy/kernels/mla_attention.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

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

// A batch with random contents, and its gradient from above.
struct Batch {
  PackedTokens tokens;
  at::Tensor queries;   // [N, H, W]
  at::Tensor latents;   // [N, W]
  at::Tensor upstream;  // [N, H, Rkv]
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
  batch.upstream = at::randn({n, shape.num_heads, shape.value_width}).to(type);
  batch.scale = 1.5 / std::sqrt(static_cast<double>(shape.width));
  return batch;
}

// The result and the gradients of queries and latents.
std::vector<at::Tensor> RunOnce(const Batch& batch, bool reference) {
  const at::Tensor queries = batch.queries.clone().set_requires_grad(true);
  const at::Tensor latents = batch.latents.clone().set_requires_grad(true);
  const AttentionPlan plan = PlanAttention(batch.tokens, KvView::Own(), queries.size(1));
  const at::Tensor output =
      (reference ? MlaAttentionReference : MlaAttention)(queries, latents, plan, batch.upstream.size(2), batch.scale);
  output.backward(batch.upstream);
  return {output.detach(), queries.grad(), latents.grad()};
}

void CompareWithReference(const Shape& shape, at::ScalarType type, double tolerance) {
  const Batch batch = RandomBatch(shape, type);
  const std::vector<at::Tensor> expected = RunOnce(batch, /*reference=*/true);
  const std::vector<at::Tensor> found = RunOnce(batch, /*reference=*/false);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(found[i].scalar_type(), type);
    const double largest = expected[i].abs().max().item<double>();
    EXPECT_LE(MaxDifference(found[i].to(at::kFloat), expected[i].to(at::kFloat)), tolerance * (1.0 + largest))
        << "result " << i << ", heads " << shape.num_heads << ", width " << shape.value_width << " of " << shape.width
        << ", first length " << shape.lengths[0];
  }
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

TEST(MlaAttentionConformanceTest, EqualsTheReferenceWithGradients) {
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

// The loss sum(output * upstream) moves as the gradient says.
TEST(MlaAttentionConformanceTest, GradientsAreFiniteDifferences) {
  at::manual_seed(9);
  const Batch batch = RandomBatch({{9, 70}, 2, 5, 8}, at::kFloat);
  const AttentionPlan plan = PlanAttention(batch.tokens, KvView::Own(), 2);
  const auto loss = [&](const at::Tensor& queries, const at::Tensor& latents) {
    const at::NoGradGuard no_grad;
    return MlaAttention(queries, latents, plan, 5, batch.scale)
        .mul(batch.upstream)
        .to(at::kDouble)
        .sum()
        .item<double>();
  };
  const std::vector<at::Tensor> found = RunOnce(batch, /*reference=*/false);
  const double step = 1e-2;
  for (int trial = 0; trial < 6; ++trial) {
    const at::Tensor q = at::randn_like(batch.queries);
    const at::Tensor k = at::randn_like(batch.latents);
    const double by_queries =
        (loss(batch.queries + step * q, batch.latents) - loss(batch.queries - step * q, batch.latents)) / (2 * step);
    const double by_latents =
        (loss(batch.queries, batch.latents + step * k) - loss(batch.queries, batch.latents - step * k)) / (2 * step);
    EXPECT_NEAR(by_queries, found[1].mul(q).sum().item<double>(), 0.02);
    EXPECT_NEAR(by_latents, found[2].mul(k).sum().item<double>(), 0.02 + 0.002 * std::abs(by_latents));
  }
}

// Few sequences are cut by heads: in what order their gradients are added is the batch's business, not the threads'.
TEST(MlaAttentionPropertyTest, GradientsDoNotDependOnThreads) {
  at::manual_seed(10);
  for (const Shape& shape : {Shape{{300}, 6, 12, 20}, Shape{{90, 3, 70}, 3, 12, 20}}) {
    const Batch batch = RandomBatch(shape, at::kFloat);
    testing::ForEachIsa([&](cpu::Isa) {
      std::vector<at::Tensor> first;
      testing::ForEachThreadCount([&](int) {
        const std::vector<at::Tensor> found = RunOnce(batch, /*reference=*/false);
        if (first.empty()) first = found;
        for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(found[i].equal(first[i])) << i;
      });
    });
  }
}

TEST(MlaAttentionTest, OtherTypesTakeThePlainForm) {
  const Batch batch = RandomBatch({{5}, 2, 3, 4}, at::kDouble);
  const AttentionPlan plan = PlanAttention(batch.tokens, KvView::Own(), 2);
  EXPECT_TRUE(MlaAttention(batch.queries, batch.latents, plan, 3, 1.0)
                  .equal(MlaAttentionReference(batch.queries, batch.latents, plan, 3, 1.0)));
}

}  // namespace
}  // namespace plumb
