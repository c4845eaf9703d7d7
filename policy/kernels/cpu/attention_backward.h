#ifndef PLUMB_POLICY_KERNELS_CPU_ATTENTION_BACKWARD_H_
#define PLUMB_POLICY_KERNELS_CPU_ATTENTION_BACKWARD_H_

#include "policy/kernels/cpu/attention_units.h"
#include "policy/kernels/cpu/float_type.h"

namespace plumb::cpu {

// Attention of N tokens whose heads have keys and values of their own, for gradients: a head's numbers are fewer than
// a latent's. Arrays are dense.
struct HeadAttention {
  const void* queries = nullptr;  // [N, H, W] of type `type`
  const float* keys = nullptr;    // [H, N, W]
  const float* values = nullptr;  // [H, N, Dv]
  FloatType type = FloatType::kFloat32;
  int64_t num_tokens = 0;   // N
  int64_t num_heads = 0;    // H
  int64_t width = 0;        // W
  int64_t own_width = 0;    // a key's first numbers are its head's own, all heads share the rest
  int64_t value_width = 0;  // Dv
  float scale = 1.0f;
};

// What a forward gave, and where gradients go.
struct HeadGradients {
  const void* upstream = nullptr;    // [N, H, Dv] gradient of the output, of type `type`
  const void* output = nullptr;      // [N, H, Dv] of type `type`
  const float* logsumexp = nullptr;  // [N, H]
  void* queries = nullptr;           // [N, H, W] of type `type`
  float* keys_values = nullptr;      // [N, H, own width + Dv]: of the key's own numbers, then of the value
  float* shared = nullptr;           // [N, H, W - own width]: of the key's other numbers, by each head
};

// Gradients of causal attention over whole sequences. Scores are made again, block by block. A head of a sequence is
// worked by one thread, in the order of its tokens: the result does not depend on the number of threads.
// Source: arXiv:2307.08691, algorithm 2.
void RunAttentionBackward(const HeadAttention& attention, const AttentionUnits& units, const HeadGradients& gradients);

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_ATTENTION_BACKWARD_H_
