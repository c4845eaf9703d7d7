#include "policy/kernels/mla_heads.h"

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
  int64_t heads, nope, rope, rank, value;
};

// A batch with random contents, and its gradient from above.
struct Batch {
  PackedTokens tokens;
  at::Tensor queries;   // [N, H, Dn + Dr]
  at::Tensor latents;   // [N, Rkv + Dr]
  at::Tensor kv_b;      // [H * (Dn + Dv), Rkv]
  at::Tensor upstream;  // [N, H, Dv]
  double scale;
};

Batch RandomBatch(const Shape& shape, at::ScalarType type) {
  std::vector<std::vector<int64_t>> sequences;
  for (const int64_t length : shape.lengths) sequences.emplace_back(length, 1);
  Batch batch;
  batch.tokens = PackSequences(sequences);
  const int64_t n = batch.tokens.num_tokens();
  batch.queries = at::randn({n, shape.heads, shape.nope + shape.rope}).to(type);
  batch.latents = at::randn({n, shape.rank + shape.rope}).to(type);
  const double spread = 1.0 / std::sqrt(static_cast<double>(shape.rank));
  batch.kv_b = at::randn({shape.heads * (shape.nope + shape.value), shape.rank}).mul(spread).to(type);
  batch.upstream = at::randn({n, shape.heads, shape.value}).to(type);
  batch.scale = 1.5 / std::sqrt(static_cast<double>(shape.nope + shape.rope));
  return batch;
}

// The result and the gradients of queries, latents and kv_b.
std::vector<at::Tensor> RunOnce(const Batch& batch, bool reference) {
  const at::Tensor queries = batch.queries.clone().set_requires_grad(true);
  const at::Tensor latents = batch.latents.clone().set_requires_grad(true);
  const at::Tensor kv_b = batch.kv_b.clone().set_requires_grad(true);
  const AttentionPlan plan = PlanAttention(batch.tokens, KvView::Own(), queries.size(1));
  const at::Tensor output = (reference ? MlaHeadsReference : MlaHeads)(queries, latents, kv_b, plan, batch.scale);
  output.backward(batch.upstream);
  return {output.detach(), queries.grad(), latents.grad(), kv_b.grad()};
}

void CompareWithReference(const Shape& shape, at::ScalarType type, double tolerance) {
  const Batch batch = RandomBatch(shape, type);
  const std::vector<at::Tensor> expected = RunOnce(batch, /*reference=*/true);
  const std::vector<at::Tensor> found = RunOnce(batch, /*reference=*/false);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(found[i].scalar_type(), type);
    const double largest = expected[i].abs().max().item<double>();
    EXPECT_LE(MaxDifference(found[i].to(at::kFloat), expected[i].to(at::kFloat)), tolerance * (1.0 + largest))
        << "result " << i << ", heads " << shape.heads << ", widths " << shape.nope << " " << shape.rope << " "
        << shape.rank << " " << shape.value << ", first length " << shape.lengths[0];
  }
}

Shape RandomShape(std::mt19937& random) {
  const auto below = [&](int64_t limit) { return static_cast<int64_t>(random() % limit); };
  Shape shape;
  for (int64_t count = 1 + below(5); count > 0; --count) shape.lengths.push_back(1 + below(below(3) == 0 ? 400 : 90));
  shape.heads = 1 + below(below(3) == 0 ? 40 : 8);
  shape.nope = 1 + below(40);
  shape.rope = 2 * (1 + below(12));
  shape.rank = 1 + below(70);
  shape.value = 1 + below(40);
  return shape;
}

TEST(MlaHeadsConformanceTest, EqualsTheReferenceWithGradients) {
  at::manual_seed(6);
  testing::ForEachIsa([](cpu::Isa) {
    std::mt19937 random(17);
    for (int trial = 0; trial < 24; ++trial) CompareWithReference(RandomShape(random), at::kFloat, 2e-5);
  });
}

TEST(MlaHeadsConformanceTest, PublishedWidths) {
  at::manual_seed(7);
  testing::ForEachIsa([](cpu::Isa) {
    CompareWithReference({{150, 70}, 16, 128, 64, 512, 128}, at::kFloat, 3e-5);
    CompareWithReference({{70, 1}, 64, 128, 64, 512, 128}, at::kFloat, 3e-5);
    CompareWithReference({{200, 33}, 8, 32, 16, 64, 32}, at::kFloat, 2e-5);
  });
}

TEST(MlaHeadsConformanceTest, Bfloat16) {
  at::manual_seed(8);
  testing::ForEachIsa([](cpu::Isa) {
    CompareWithReference({{150, 70, 5}, 8, 32, 16, 64, 32}, at::kBFloat16, 0.015);
    CompareWithReference({{300}, 5, 11, 6, 19, 13}, at::kBFloat16, 0.015);
  });
}

// The loss sum(output * upstream) moves as the gradient says.
TEST(MlaHeadsConformanceTest, GradientsAreFiniteDifferences) {
  at::manual_seed(9);
  const Batch batch = RandomBatch({{9, 70}, 2, 4, 2, 5, 3}, at::kFloat);
  const AttentionPlan plan = PlanAttention(batch.tokens, KvView::Own(), 2);
  const std::vector<at::Tensor> inputs = {batch.queries, batch.latents, batch.kv_b};
  const auto loss = [&](const std::vector<at::Tensor>& at) {
    const at::NoGradGuard no_grad;
    return MlaHeads(at[0], at[1], at[2], plan, batch.scale).mul(batch.upstream).to(at::kDouble).sum().item<double>();
  };
  const std::vector<at::Tensor> found = RunOnce(batch, /*reference=*/false);
  const double step = 1e-2;
  for (size_t input = 0; input < 3; ++input) {
    for (int trial = 0; trial < 6; ++trial) {
      const at::Tensor direction = at::randn_like(inputs[input]);
      std::vector<at::Tensor> up = inputs, down = inputs;
      up[input] = inputs[input] + step * direction;
      down[input] = inputs[input] - step * direction;
      const double moved = (loss(up) - loss(down)) / (2 * step);
      EXPECT_NEAR(moved, found[input + 1].mul(direction).sum().item<double>(), 0.02 + 0.002 * std::abs(moved)) << input;
    }
  }
}

TEST(MlaHeadsPropertyTest, GradientsDoNotDependOnThreads) {
  at::manual_seed(10);
  for (const Shape& shape : {Shape{{700, 20}, 16, 8, 4, 12, 10}, Shape{{90, 3, 70}, 3, 8, 4, 12, 10}}) {
    const Batch batch = RandomBatch(shape, at::kFloat);
    testing::ForEachIsa([&](cpu::Isa) {
      std::vector<at::Tensor> first;
      testing::ForEachThreadCount([&](int) {
        const std::vector<at::Tensor> found = RunOnce(batch, /*reference=*/false);
        if (first.empty()) first = found;
        for (size_t i = 0; i < 4; ++i) EXPECT_TRUE(found[i].equal(first[i])) << i;
      });
    });
  }
}

// Each input alone gets the gradient that it gets among all.
TEST(MlaHeadsTest, SomeInputsWantAGradient) {
  at::manual_seed(12);
  const Batch batch = RandomBatch({{40, 7}, 3, 8, 4, 12, 10}, at::kFloat);
  const AttentionPlan plan = PlanAttention(batch.tokens, KvView::Own(), 3);
  const std::vector<at::Tensor> all = RunOnce(batch, /*reference=*/false);
  for (size_t wanted = 0; wanted < 3; ++wanted) {
    std::vector<at::Tensor> inputs = {batch.queries.clone(), batch.latents.clone(), batch.kv_b.clone()};
    inputs[wanted].set_requires_grad(true);
    MlaHeads(inputs[0], inputs[1], inputs[2], plan, batch.scale).backward(batch.upstream);
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(inputs[i].grad().defined(), i == wanted);
    EXPECT_TRUE(inputs[wanted].grad().equal(all[wanted + 1])) << wanted;
  }
}

// Recording changes no bit of the result.
TEST(MlaHeadsPropertyTest, TheSameBitsWithAndWithoutAGradient) {
  at::manual_seed(11);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const Batch batch = RandomBatch({{90, 3, 70}, 3, 8, 4, 12, 10}, type);
    const AttentionPlan plan = PlanAttention(batch.tokens, KvView::Own(), 3);
    const at::Tensor plain = MlaHeads(batch.queries, batch.latents, batch.kv_b, plan, batch.scale);
    EXPECT_TRUE(plain.equal(RunOnce(batch, /*reference=*/false)[0]));
  }
}

TEST(MlaHeadsTest, OtherTypesTakeThePlainForm) {
  const Batch batch = RandomBatch({{5}, 2, 3, 2, 4, 3}, at::kDouble);
  const AttentionPlan plan = PlanAttention(batch.tokens, KvView::Own(), 2);
  EXPECT_TRUE(MlaHeads(batch.queries, batch.latents, batch.kv_b, plan, 1.0)
                  .equal(MlaHeadsReference(batch.queries, batch.latents, batch.kv_b, plan, 1.0)));
}

}  // namespace
}  // namespace plumb
