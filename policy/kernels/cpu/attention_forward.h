#ifndef PLUMB_POLICY_KERNELS_CPU_ATTENTION_FORWARD_H_
#define PLUMB_POLICY_KERNELS_CPU_ATTENTION_FORWARD_H_

#include "policy/kernels/cpu/attention_units.h"
#include "policy/kernels/cpu/key_blocks.h"

namespace plumb::cpu {

// Row-exact attention: a row's result depends on the row and on the latents of its sequence up to its position, and on
// nothing else. The order of sums is in policy/kernels/cpu/numerics.h.
//
//   output     [N, H, Rkv] of type `query_type`
//   logsumexp  [N, H] natural log of the sum of e^score; may be null
void RunAttention(const AttentionInput& input, const AttentionUnits& units, void* output, float* logsumexp);

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_ATTENTION_FORWARD_H_
