#include "policy/kernels/cpu/attention_backward.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "policy/kernels/cpu/attention_forward.h"

namespace plumb::cpu {
namespace {

// Two tokens of width 2, the first of which is the value; one head; scale 1. Token 0 sees itself alone, so its query
// has no gradient. Token 1 has weights p and 1 - p.
TEST(AttentionBackwardTest, TwoTokensByHand) {
  const std::vector<float> queries = {5.0f, 5.0f, 1.0f, 0.0f};
  const std::vector<float> latents = {2.0f, 1.0f, 3.0f, -1.0f};
  const std::vector<float> upstream = {10.0f, 1.0f};
  AttentionInput input;
  input.queries = queries.data();
  input.latents = latents.data();
  input.num_heads = 1;
  input.width = 2;
  input.value_width = 1;
  const AttentionUnits units = MakeAttentionUnits({{0, 2, 0, 0, 1}}, {0}, 1, 1);
  std::vector<float> output(2);
  std::vector<float> logsumexp(2);
  RunAttention(input, units, output.data(), logsumexp.data());
  const float p = 1.0f / (1.0f + std::exp(1.0f));  // scores 2 and 3
  EXPECT_FLOAT_EQ(output[0], 2.0f);
  EXPECT_FLOAT_EQ(output[1], 2.0f * p + 3.0f * (1.0f - p));
  EXPECT_FLOAT_EQ(logsumexp[1], 3.0f + std::log1p(std::exp(-1.0f)));

  std::vector<float> query_gradient(4, 7.0f);
  std::vector<float> latent_gradient(4, 7.0f);
  AttentionGradients gradients;
  gradients.upstream = upstream.data();
  gradients.output = output.data();
  gradients.logsumexp = logsumexp.data();
  gradients.queries = query_gradient.data();
  gradients.latents = latent_gradient.data();
  RunAttentionBackward(input, units, gradients);
  // d output / d score of key 0 is p (2 - output), and minus that of key 1.
  const float score = p * (2.0f - output[1]);
  EXPECT_FLOAT_EQ(query_gradient[0], 0.0f);
  EXPECT_FLOAT_EQ(query_gradient[2], score * 2.0f - score * 3.0f);
  EXPECT_FLOAT_EQ(query_gradient[3], score * 1.0f - score * -1.0f);
  EXPECT_FLOAT_EQ(latent_gradient[0], 10.0f + p + score * 1.0f);
  EXPECT_FLOAT_EQ(latent_gradient[1], 0.0f);
  EXPECT_FLOAT_EQ(latent_gradient[2], 1.0f - p - score * 1.0f);
}

}  // namespace
}  // namespace plumb::cpu
