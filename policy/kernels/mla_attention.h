#ifndef PLUMB_POLICY_KERNELS_MLA_ATTENTION_H_
#define PLUMB_POLICY_KERNELS_MLA_ATTENTION_H_

#include <ATen/core/Tensor.h>

#include "policy/kernels/attention_plan.h"

namespace plumb {

// Causal attention in MLA's absorbed form: all heads share one latent per token, whose first Rkv numbers are the value
// too. Scores, softmax and sums are float32; the result is cast. On the CPU in float32 and bfloat16 it is row-exact: a
// row depends on nothing but itself and the latents of its sequence up to its position, and both functions below give
// the same bits (policy/kernels/cpu/attention_forward.h); neither input may want a gradient there, for
// MlaHeads() has it. Elsewhere it is the plain form.
// Source: arXiv:2405.04434, section 2.1 and appendix C.
//
//   queries      [N, H, Rkv + Dr]
//   latents      [N, Rkv + Dr] of the same tokens
//   value_width  Rkv
//   scale        softmax scale
//   logsumexp    where not null, becomes [N, H] float32: log of the sum of e^score; row-exact form only
//   returns      [N, H, Rkv]
at::Tensor MlaAttention(const at::Tensor& queries, const at::Tensor& latents, const AttentionPlan& plan,
                        int64_t value_width, double scale, at::Tensor* logsumexp = nullptr);

// The same over a cache that holds the latents of all positions. No gradient flows.
//   pages  [pages, 64, Rkv + Dr], one layer of the cache
at::Tensor MlaAttentionOverPages(const at::Tensor& queries, const at::Tensor& pages, const AttentionPlan& plan,
                                 int64_t value_width, double scale);

// The plain ATen form of both; kernels are compared with it. The quadratic part is worked in pieces of queries and,
// where large, made again for the gradient.
at::Tensor MlaAttentionReference(const at::Tensor& queries, const at::Tensor& latents, const AttentionPlan& plan,
                                 int64_t value_width, double scale);
at::Tensor MlaAttentionOverPagesReference(const at::Tensor& queries, const at::Tensor& pages, const AttentionPlan& plan,
                                          int64_t value_width, double scale);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_MLA_ATTENTION_H_
