#ifndef PLUMB_POLICY_MLA_H_
#define PLUMB_POLICY_MLA_H_

#include "policy/weights.h"

namespace plumb {

// Published code uses this for the latents whatever rms_norm_eps says.
inline constexpr double kLatentNormEpsilon = 1e-6;

// Multi-head latent attention in the absorbed form: each token has one latent of Rkv + Dr numbers (normalised, and
// rotated), which all heads read; queries are brought into the latent space by the key half of kv_b and results out of
// it by the value half. Prefill, decode and training run these lines, over one of the two kinds of Ops
// (policy/tensor_ops.h). With a cache the tokens' latents are written into their pages first.
// Source: arXiv:2405.04434, section 2.1.
//
//   hidden   [N, D], normalised
//   returns  [N, D]
template <typename Ops>
typename Ops::Array MlaForward(Ops& ops, const LayerWeights& layer, const typename Ops::Array& hidden) {
  using Array = typename Ops::Array;
  const Array queries =
      layer.q.defined()  // [N, H * (Dn + Dr)]
          ? ops.Linear(hidden, layer.q)
          : ops.Linear(ops.RmsNorm(ops.Linear(hidden, layer.q_a, layer.q_a_bias), layer.q_a_norm, kLatentNormEpsilon),
                       layer.q_b);
  const Array latents = ops.Latents(ops.Linear(hidden, layer.kv_a, layer.kv_a_bias), layer.kv_a_norm);
  return ops.Linear(ops.Attend(queries, latents, layer.kv_b), layer.o, layer.o_bias);
}

}  // namespace plumb

#endif  // PLUMB_POLICY_MLA_H_
