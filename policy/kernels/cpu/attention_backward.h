#ifndef PLUMB_POLICY_KERNELS_CPU_ATTENTION_BACKWARD_H_
#define PLUMB_POLICY_KERNELS_CPU_ATTENTION_BACKWARD_H_

#include "policy/kernels/cpu/attention_units.h"
#include "policy/kernels/cpu/key_blocks.h"

namespace plumb::cpu {

// What the forward gave, and where gradients go.
struct AttentionGradients {
  const void* upstream = nullptr;    // [N, H, Rkv] gradient of the output, of type `query_type`
  const void* output = nullptr;      // [N, H, Rkv] of type `query_type`
  const float* logsumexp = nullptr;  // [N, H]
  void* queries = nullptr;           // [N, H, W] of type `query_type`
  void* latents = nullptr;           // [N, W] of type `latent_type`
};

// Gradients of RunAttention() where the latents are the batch's own: whole sequences, row n of the latents is token n.
// Scores are made again, block by block. For a given batch the result does not depend on the number of threads.
// Source: arXiv:2307.08691, algorithm 2.
void RunAttentionBackward(const AttentionInput& input, const AttentionUnits& units,
                          const AttentionGradients& gradients);

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_ATTENTION_BACKWARD_H_
