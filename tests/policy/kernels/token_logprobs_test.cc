#include "policy/kernels/token_logprobs.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "policy/kernels/linear.h"
#include "tests/policy/exactness/row_exactness.h"
#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

using testing::MaxDifference;

TEST(TokenLogprobsTest, TwoEqualLogits) {
  const TokenLogprobs scores =
      ComputeTokenLogprobs(at::ones({1, 1}), at::ones({2, 1}), at::tensor({1}, at::kLong), 1.0);
  EXPECT_NEAR(scores.logprobs.item<float>(), -std::log(2.0), 1e-6);
  EXPECT_NEAR(scores.entropy.item<float>(), std::log(2.0), 1e-6);
}

TEST(TokenLogprobsTest, NoRows) {
  const TokenLogprobs scores = ComputeTokenLogprobs(at::ones({0, 3}), at::ones({4, 3}), at::empty({0}, at::kLong), 1.0);
  EXPECT_EQ(scores.logprobs.size(0), 0);
  EXPECT_EQ(scores.entropy.size(0), 0);
}

void CompareWithAutograd(int64_t rows, int64_t vocab_size, double temperature) {
  at::manual_seed(7);
  const at::Tensor targets = at::randint(vocab_size, {rows}, at::kLong);
  const at::Tensor upstream = at::randn({rows});
  const at::Tensor hidden_values = at::randn({rows, 4});
  const at::Tensor head_values = at::randn({vocab_size, 4});
  std::vector<std::vector<at::Tensor>> results;
  for (const bool plain : {true, false}) {
    const at::Tensor hidden = hidden_values.clone().set_requires_grad(true);
    const at::Tensor head = head_values.clone().set_requires_grad(true);
    const at::Tensor logprobs =
        plain ? (at::linear(hidden, head) / temperature).log_softmax(-1).gather(1, targets.unsqueeze(1)).squeeze(1)
              : ComputeTokenLogprobs(hidden, head, targets, temperature).logprobs;
    logprobs.backward(upstream);
    results.push_back({logprobs.detach(), hidden.grad(), head.grad()});
  }
  for (size_t i = 0; i < 3; ++i) EXPECT_LE(MaxDifference(results[0][i], results[1][i]), 1e-3) << i;
}

TEST(TokenLogprobsConformanceTest, EqualsAutograd) { CompareWithAutograd(9, 30, 0.7); }

// Several slabs of logits, kept for the gradient, and more of them, made again for it.
TEST(TokenLogprobsConformanceTest, EqualsAutogradInKeptSlabs) { CompareWithAutograd(90, 50000, 1.3); }
TEST(TokenLogprobsConformanceTest, EqualsAutogradInSlabs) { CompareWithAutograd(190, 50000, 1.3); }

// Kept logits are there for a second pass too.
TEST(TokenLogprobsTest, AGraphCanBeKept) {
  at::manual_seed(11);
  const at::Tensor hidden = at::randn({6, 4}).set_requires_grad(true);
  const at::Tensor head = at::randn({300, 4}).set_requires_grad(true);
  const at::Tensor loss = ComputeTokenLogprobs(hidden, head, at::randint(300, {6}, at::kLong), 0.9).logprobs.sum();
  loss.backward({}, /*retain_graph=*/true);
  const at::Tensor hidden_once = hidden.grad().clone(), head_once = head.grad().clone();
  loss.backward();
  EXPECT_LE(MaxDifference(hidden.grad(), 2 * hidden_once), 1e-5);
  EXPECT_LE(MaxDifference(head.grad(), 2 * head_once), 1e-5);
}

// Ids that do not count have no share in the sums and no gradient; those of the others are added in place.
void CompareSomeIds(at::ScalarType type, double tolerance) {
  at::manual_seed(12);
  const at::Tensor targets = at::randint(290, {6}, at::kLong);
  const at::Tensor rows = at::randn({6, 4}, type);
  const at::Tensor head = at::randn({300, 4}, type).set_requires_grad(true);
  const at::Tensor plain = head.detach().to(at::kFloat).set_requires_grad(true);
  const at::Tensor expected = (at::linear(rows.to(at::kFloat), plain.narrow(0, 0, 290)) / 0.9)
                                  .log_softmax(-1)
                                  .gather(1, targets.unsqueeze(1))
                                  .squeeze(1);
  expected.sum().backward();
  const at::Tensor logprobs = ComputeTokenLogprobs(rows, head, targets, 0.9, 290).logprobs;
  EXPECT_LE(MaxDifference(logprobs, expected), tolerance);
  logprobs.sum().backward({}, /*retain_graph=*/true);
  EXPECT_LE(MaxDifference(head.grad(), plain.grad()), tolerance);
  const void* const memory = head.grad().const_data_ptr();
  logprobs.sum().backward();
  EXPECT_EQ(head.grad().const_data_ptr(), memory);
  EXPECT_LE(MaxDifference(head.grad(), 2 * plain.grad()), 2 * tolerance);
  EXPECT_EQ(head.grad().narrow(0, 290, 10).abs().max().item<float>(), 0.0f);
}

TEST(TokenLogprobsConformanceTest, SomeIdsCount) {
  CompareSomeIds(at::kFloat, 1e-5);
  CompareSomeIds(at::kBFloat16, 2e-2);
  CompareSomeIds(at::kDouble, 1e-5);
}

TEST(TokenLogprobsTest, AFrozenHeadGetsNoGradient) {
  const at::Tensor hidden = at::randn({3, 4}).set_requires_grad(true);
  const at::Tensor head = at::randn({300, 4});
  ComputeTokenLogprobs(hidden, head, at::tensor({0, 1, 2}, at::kLong), 1.0).logprobs.sum().backward();
  EXPECT_TRUE(hidden.grad().defined());
  EXPECT_FALSE(head.grad().defined());
}

TEST(TokenLogprobsTest, EntropyIsDetached) {
  const at::Tensor hidden = at::randn({3, 4}).set_requires_grad(true);
  const TokenLogprobs scores = ComputeTokenLogprobs(hidden, at::randn({5, 4}), at::tensor({0, 1, 2}, at::kLong), 1.0);
  EXPECT_TRUE(scores.logprobs.requires_grad());
  EXPECT_FALSE(scores.entropy.requires_grad());
}

// Temperatures, tails of chunks and slabs, both types.
TEST(TokenLogprobsConformanceTest, KernelEqualsReference) {
  at::manual_seed(8);
  for (const int64_t vocab_size : {5, 256, 300, 5000}) {
    const at::Tensor targets = at::randint(vocab_size, {11}, at::kLong);
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      const at::Tensor hidden = at::randn({11, 20}, type);
      const at::Tensor head = at::randn({vocab_size, 20}, type);
      const TokenLogprobs kernel = ComputeTokenLogprobs(hidden, head, targets, 0.8);
      const TokenLogprobs reference = TokenLogprobsReference(hidden.to(at::kFloat), head.to(at::kFloat), targets, 0.8);
      EXPECT_LE(MaxDifference(kernel.logprobs, reference.logprobs), 2e-5) << vocab_size;
      EXPECT_LE(MaxDifference(kernel.entropy, reference.entropy), 2e-5) << vocab_size;
    }
  }
}

TEST(TokenLogprobsPropertyTest, ATokenDoesNotDependOnItsBatch) {
  at::manual_seed(9);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor head = at::randn({600, 20}, type);
    testing::ExpectRowsAreExact(at::randn({129, 20}, type), [&](const at::Tensor& rows) {
      const TokenLogprobs scores = ComputeTokenLogprobs(rows, head, at::full({rows.size(0)}, 411, at::kLong), 0.7);
      return at::stack({scores.logprobs, scores.entropy}, 1);
    });
  }
}

// What a rollout computes from the logits that it samples from is what training computes in slabs.
TEST(TokenLogprobsPropertyTest, LogitsInHandGiveTheSameBits) {
  at::manual_seed(10);
  const at::Tensor hidden = at::randn({40, 24});
  const at::Tensor head = at::randn({9000, 24});
  const at::Tensor targets = at::randint(8000, {40}, at::kLong);
  for (const double temperature : {1.0, 0.6}) {
    for (const int64_t ids : {9000, 8001}) {
      const TokenLogprobs slabs = ComputeTokenLogprobs(hidden, head, targets, temperature, ids);
      const at::Tensor logits = LinearToFloat(hidden, head).narrow(1, 0, ids);
      const TokenLogprobs whole = LogprobsOfLogits(logits, targets, temperature);
      EXPECT_TRUE(testing::SameBits(slabs.logprobs, whole.logprobs));
      EXPECT_TRUE(testing::SameBits(slabs.entropy, whole.entropy));
    }
  }
}

}  // namespace
}  // namespace plumb
