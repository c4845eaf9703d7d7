#include "sft/loss.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace plumb {
namespace {

// Log-probabilities of the labels 0, 1, 2: the worked example has cross-entropies 0.241311, 0.551445, 1.098612.
at::Tensor ExampleLogprobs() {
  const at::Tensor logits = at::tensor({2.0, 0.5, -1.0, 0.0, 1.0, 0.0, 0.3, 0.3, 0.3}).view({3, 3});
  return logits.log_softmax(1).diagonal();
}

TEST(SftLossTest, IsTheMeanOverTrainedTokens) {
  const at::Tensor trained = ExampleLogprobs().narrow(0, 1, 2);  // mask [0, 1, 1]
  EXPECT_NEAR(SftLoss(trained, 2).item<double>(), 0.825029, 1e-6);
}

TEST(SftLossTest, MicroBatchesAreWeighedByTheirTokens) {
  const at::Tensor ten_at_two = at::full({10}, -2.0);
  const at::Tensor six_at_one = at::full({6}, -1.0);
  // The mean of the two means would be 1.5.
  EXPECT_NEAR((SftLoss(ten_at_two, 16) + SftLoss(six_at_one, 16)).item<double>(), 1.625, 1e-6);
}

TEST(SftLossTest, ItsGradientIsMinusOneOverTheTokens) {
  const at::Tensor logprobs = at::full({2}, -1.0).set_requires_grad(true);
  SftLoss(logprobs, 8).backward();
  EXPECT_TRUE(at::equal(logprobs.grad(), at::full({2}, -0.125)));
}

TEST(SftLossTest, AMicroBatchWithoutTrainedTokensAddsNothing) {
  EXPECT_EQ(SftLoss(at::empty({0}), 8).item<double>(), 0.0);
}

}  // namespace
}  // namespace plumb
