#ifndef PLUMB_POLICY_KERNELS_TOKEN_LOGPROBS_H_
#define PLUMB_POLICY_KERNELS_TOKEN_LOGPROBS_H_

#include <ATen/core/Tensor.h>

namespace plumb {

struct TokenLogprobs {
  at::Tensor logprobs;  // [M] float32, natural log
  at::Tensor entropy;   // [M] float32, detached
};

// log softmax(hidden * head^T / temperature) at given tokens, and the distribution's entropy. On the CPU the vocabulary
// is worked in slabs, elsewhere in pieces of rows. For the gradient up to 32 MiB of logits are kept; where
// [M, num_ids] has more of them, none is, and they are made again.
//
//   hidden   [M, D]
//   head     [V, D], of the same type
//   targets  [M] int64, below num_ids
//   num_ids  the distribution is over the ids below it; 0: all V
TokenLogprobs ComputeTokenLogprobs(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets,
                                   double temperature, int64_t num_ids = 0);

// The same of logits that are there already; on the CPU to the bit what ComputeTokenLogprobs() gives for them. No
// gradient flows.
//
//   logits   [M, V] float32
//   targets  [M] int64
TokenLogprobs LogprobsOfLogits(const at::Tensor& logits, const at::Tensor& targets, double temperature);

// The plain ATen form, without gradients; kernels are compared with it.
TokenLogprobs TokenLogprobsReference(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets,
                                     double temperature);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_TOKEN_LOGPROBS_H_
