#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <limits>

#include "policy/kernels/mla_attention.h"
#include "tests/policy/golden_model.h"

namespace plumb {
namespace {

using testing::MaxDifference;

PackedTokens TokensOfLengths(const std::vector<int64_t>& lengths) {
  std::vector<std::vector<int64_t>> sequences;
  for (const int64_t length : lengths) sequences.emplace_back(length, 1);
  return PackSequences(sequences);
}

// Sequence by sequence, with an explicit mask, in differentiable ATen.
at::Tensor Naive(const at::Tensor& queries, const at::Tensor& latents, const PackedTokens& tokens, int64_t value_width,
                 double scale) {
  std::vector<at::Tensor> outputs;
  for (int64_t b = 0; b < tokens.num_sequences(); ++b) {
    const int64_t length = tokens.starts[b + 1] - tokens.starts[b];
    const at::Tensor query = queries.narrow(0, tokens.starts[b], length);
    const at::Tensor keys = latents.narrow(0, tokens.starts[b], length);
    const at::Tensor later = at::ones({length, length}, at::kBool).triu(1).unsqueeze(1);
    const at::Tensor scores =
        (at::einsum("thw,sw->ths", {query, keys}) * scale).masked_fill(later, -std::numeric_limits<float>::infinity());
    outputs.push_back(at::einsum("ths,sr->thr", {scores.softmax(-1), keys.narrow(1, 0, value_width)}));
  }
  return at::cat(outputs);
}

void CompareWithNaive(const std::vector<int64_t>& lengths, int64_t num_heads) {
  at::manual_seed(6);
  const PackedTokens tokens = TokensOfLengths(lengths);
  const int64_t n = tokens.num_tokens();
  const AttentionPlan plan = PlanAttention(tokens, KvView::Own(), num_heads);
  const at::Tensor upstream = at::randn({n, num_heads, 5});
  const at::Tensor query_values = at::randn({n, num_heads, 8});
  const at::Tensor latent_values = at::randn({n, 8});
  std::vector<std::vector<at::Tensor>> results;
  for (const bool naive : {true, false}) {
    const at::Tensor queries = query_values.clone().set_requires_grad(true);
    const at::Tensor latents = latent_values.clone().set_requires_grad(true);
    const at::Tensor output =
        naive ? Naive(queries, latents, tokens, 5, 0.4) : MlaAttentionReference(queries, latents, plan, 5, 0.4);
    output.backward(upstream);
    results.push_back({output.detach(), queries.grad(), latents.grad()});
  }
  for (size_t i = 0; i < 3; ++i) EXPECT_LE(MaxDifference(results[0][i], results[1][i]), 2e-4) << i;
}

TEST(MlaAttentionReferenceConformanceTest, EqualsTheNaiveFormWithGradients) {
  CompareWithNaive({7, 1, 30, 2, 7}, 3);
  CompareWithNaive({6, 6, 6}, 2);
}

// More scores than are kept or held at a time: pieces of queries, made again for the gradient.
TEST(MlaAttentionReferenceConformanceTest, LongSequencesInPieces) { CompareWithNaive({2100, 300}, 5); }

}  // namespace
}  // namespace plumb
