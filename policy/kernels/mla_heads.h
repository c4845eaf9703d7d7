#ifndef PLUMB_POLICY_KERNELS_MLA_HEADS_H_
#define PLUMB_POLICY_KERNELS_MLA_HEADS_H_

#include <ATen/core/Tensor.h>

#include "policy/kernels/attention_plan.h"

namespace plumb {

// The way into the latent space: a query's first Dn numbers times the key half of its head's part of kv_b, the rest as
// it is.
//
//   queries  [N, H, Dn + Dr]
//   kv_b     [H * (Dn + Dv), Rkv]
//   returns  [N, H, Rkv + Dr]
at::Tensor LatentQueries(const at::Tensor& queries, const at::Tensor& kv_b, int64_t rope_head_dim);

// The way out of it, by the value half.
//
//   mixed    [N, H, Rkv]
//   kv_b     [H * (Dn + Dv), Rkv]
//   returns  [N, H, Dv]
at::Tensor HeadValues(const at::Tensor& mixed, const at::Tensor& kv_b, int64_t v_head_dim);

// Causal attention of a batch's own tokens from queries to the values of heads: MlaAttention() between the two above.
// On the CPU in float32 and bfloat16 the gradient is taken where each head has keys and values of its own, which kv_b
// makes of the latents: the same derivative with Dn + Dr and Dv numbers in place of Rkv + Dr and Rkv. Keys and values
// of all heads and their gradients are held for that, N * H * 2 (Dn + Dr + Dv) float32, in one layer at a time. In
// bfloat16 the scores that are made again there lack the rounding of the queries in the latent space, some 1e-3 of the
// largest product; probabilities of scores that are large differ accordingly. Source: arXiv:2405.04434, section 2.1.
//
//   queries  [N, H, Dn + Dr], rotated
//   latents  [N, Rkv + Dr], normalised and rotated
//   kv_b     [H * (Dn + Dv), Rkv]
//   scale    softmax scale
//   returns  [N, H, Dv]
at::Tensor MlaHeads(const at::Tensor& queries, const at::Tensor& latents, const at::Tensor& kv_b,
                    const AttentionPlan& plan, double scale);

// The plain ATen form; the kernel is compared with it.
at::Tensor MlaHeadsReference(const at::Tensor& queries, const at::Tensor& latents, const at::Tensor& kv_b,
                             const AttentionPlan& plan, double scale);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_MLA_HEADS_H_
