#ifndef PLUMB_POLICY_KERNELS_TOKEN_LOGPROBS_H_
#define PLUMB_POLICY_KERNELS_TOKEN_LOGPROBS_H_

#include <ATen/core/Tensor.h>

namespace plumb {

struct TokenLogprobs {
  at::Tensor logprobs;  // [M] float32, natural log
  at::Tensor entropy;   // [M] float32, detached
};

// log softmax(hidden * head^T / temperature) at given tokens, and the distribution's entropy. Works in pieces of rows
// and makes large logits again for the gradient, so that [M, V] is never held whole.
//
//   hidden   [M, D]
//   head     [V, D], of the same type
//   targets  [M] int64
TokenLogprobs ComputeTokenLogprobs(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets,
                                   double temperature);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_TOKEN_LOGPROBS_H_
