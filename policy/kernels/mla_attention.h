#ifndef PLUMB_POLICY_KERNELS_MLA_ATTENTION_H_
#define PLUMB_POLICY_KERNELS_MLA_ATTENTION_H_

#include <ATen/core/Tensor.h>

#include "policy/kernels/attention_plan.h"

namespace plumb {

// Causal attention in MLA's absorbed form: all heads share one latent per token, whose first Rkv numbers are the value
// too. Scores, softmax and sums are float32; the result is cast. The quadratic part is worked in pieces of queries and,
// where large, made again for the gradient.
// Source: arXiv:2405.04434, section 2.1 and appendix C.
//
//   queries      [N, H, Rkv + Dr]
//   latents      [N, Rkv + Dr] of the same tokens
//   value_width  Rkv
//   scale        softmax scale
//   returns      [N, H, Rkv]
at::Tensor MlaAttention(const at::Tensor& queries, const at::Tensor& latents, const AttentionPlan& plan,
                        int64_t value_width, double scale);

// The same over a cache that holds the latents of all positions. No gradient flows.
//   pages  [pages, 64, Rkv + Dr], one layer of the cache
at::Tensor MlaAttentionOverPages(const at::Tensor& queries, const at::Tensor& pages, const AttentionPlan& plan,
                                 int64_t value_width, double scale);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_MLA_ATTENTION_H_
