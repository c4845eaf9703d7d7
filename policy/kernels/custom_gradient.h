#ifndef PLUMB_POLICY_KERNELS_CUSTOM_GRADIENT_H_
#define PLUMB_POLICY_KERNELS_CUSTOM_GRADIENT_H_

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

namespace plumb {

// Gradients of an op's inputs from that of its output, in the order of the inputs; undefined where an input needs none.
// Tensors that it captures must not be the op's own output (capture output.detach()).
using InputGradients = std::function<std::vector<at::Tensor>(const at::Tensor& output_gradient)>;

// True where autograd records and one of `inputs` requires a gradient.
//   inputs  any shape; undefined ones count as not
bool NeedsGradient(const std::vector<at::Tensor>& inputs);

// Joins `output`, a fresh tensor computed from `inputs` without recording, to the autograd graph. Nothing is joined
// where NeedsGradient(inputs) is false. Second derivatives are not offered.
//   output   any shape
//   inputs   any shape; `gradients` gives one tensor for each
//   returns  same shape as `output`, which it is
at::Tensor WithGradient(at::Tensor output, const std::vector<at::Tensor>& inputs, InputGradients gradients);

}  // namespace plumb

#endif  // PLUMB_POLICY_KERNELS_CUSTOM_GRADIENT_H_
