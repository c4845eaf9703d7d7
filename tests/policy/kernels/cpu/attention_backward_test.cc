#include "policy/kernels/cpu/attention_backward.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace plumb::cpu {
namespace {

// Two tokens, one head, keys of width 2 and values of width 1, scale 1. Token 0 sees itself alone, so its query has no
// gradient. Token 1 has weights p and 1 - p.
TEST(AttentionBackwardTest, TwoTokensByHand) {
  const std::vector<float> queries = {5.0f, 5.0f, 1.0f, 0.0f};
  const std::vector<float> keys = {2.0f, 1.0f, 3.0f, -1.0f};
  const std::vector<float> values = {7.0f, 4.0f};
  const std::vector<float> upstream = {10.0f, 1.0f};
  const float p = 1.0f / (1.0f + std::exp(1.0f));  // scores 2 and 3
  const std::vector<float> output = {7.0f, 7.0f * p + 4.0f * (1.0f - p)};
  const std::vector<float> logsumexp = {15.0f, 3.0f + std::log1p(std::exp(-1.0f))};

  std::vector<float> query_gradient(4, 7.0f), keys_values(4, 7.0f), shared(2, 7.0f);
  const HeadAttention attention = {.queries = queries.data(),
                                   .keys = keys.data(),
                                   .values = values.data(),
                                   .num_tokens = 2,
                                   .num_heads = 1,
                                   .width = 2,
                                   .own_width = 1,
                                   .value_width = 1};
  RunAttentionBackward(attention, MakeAttentionUnits({{0, 2, 0, 0, 1}}, {0}, 1, 1),
                       {.upstream = upstream.data(),
                        .output = output.data(),
                        .logsumexp = logsumexp.data(),
                        .queries = query_gradient.data(),
                        .keys_values = keys_values.data(),
                        .shared = shared.data()});
  // d output / d score of key 0 is p (7 - output), and minus that of key 1.
  const float score = p * (7.0f - output[1]);
  EXPECT_FLOAT_EQ(query_gradient[0], 0.0f);
  EXPECT_FLOAT_EQ(query_gradient[1], 0.0f);
  EXPECT_NEAR(query_gradient[2], score * 2.0f - score * 3.0f, 3e-6);
  EXPECT_NEAR(query_gradient[3], score * 1.0f - score * -1.0f, 3e-6);
  EXPECT_NEAR(keys_values[0], score * 1.0f, 3e-6);
  EXPECT_FLOAT_EQ(shared[0], 0.0f);
  EXPECT_NEAR(keys_values[2], -score * 1.0f, 3e-6);
  EXPECT_FLOAT_EQ(keys_values[1], 10.0f + p);
  EXPECT_FLOAT_EQ(keys_values[3], 1.0f - p);
}

}  // namespace
}  // namespace plumb::cpu
