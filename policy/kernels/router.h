#ifndef PLUMB_POLICY_KERNELS_ROUTER_H_
#define PLUMB_POLICY_KERNELS_ROUTER_H_

#include <ATen/core/Tensor.h>

#include "policy/kernels/cpu/expert_choice.h"
#include "policy/model_config.h"

namespace plumb {

struct Routing {
  at::Tensor logits;   // [N, E] float32
  at::Tensor experts;  // [N, K] int64, ascending in each row
  at::Tensor weights;  // [N, K] float32, after normalisation and scaling
};

// The router's choice. Everything is float32; equal scores go to the lower index. Gradients flow through the weights
// to `hidden` and `gate`, none through the choice or the bias.
//
// V2: softmax scores; greedy, or the best groups by their best expert. Normalised or scaled, not both.
// V3: sigmoid scores; the bias takes part in the choice only; the best groups by the sum of their two best. Normalised
// where the model says so, then scaled.
// Source: arXiv:2405.04434, section 2.2; arXiv:2412.19437, section 2.1.2.
//
//   hidden     [N, D]
//   gate       [E, D] float32
//   gate_bias  [E] float32, or undefined
Routing Route(const ModelConfig& config, const at::Tensor& hidden, const at::Tensor& gate, const at::Tensor& gate_bias);

// The same with the experts given: weights come from the live scores.
//   experts  [N, K] int64, ascending in each row
Routing RouteTo(const ModelConfig& config, const at::Tensor& hidden, const at::Tensor& gate, const at::Tensor& experts);

// Chooses experts from scores; exposed for its tests.
//   scores     [N, E] float32
//   returns    [N, K] int64, ascending in each row
at::Tensor ChooseExperts(const ModelConfig& config, const at::Tensor& scores, const at::Tensor& gate_bias);

// The same rules for the CPU's functions on rows; pointers are left to fill in.
cpu::ExpertChoice ChoiceOf(const ModelConfig& config);
cpu::ExpertWeights WeightsOf(const ModelConfig& config);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_ROUTER_H_
