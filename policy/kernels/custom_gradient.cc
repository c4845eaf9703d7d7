#include "policy/kernels/custom_gradient.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>

namespace plumb {
namespace {

class CustomNode : public torch::autograd::Node {
 public:
  CustomNode(InputGradients gradients, size_t num_inputs) : gradients_(std::move(gradients)), num_inputs_(num_inputs) {}

  torch::autograd::variable_list apply(torch::autograd::variable_list&& output_gradients) override {
    if (!output_gradients[0].defined()) return torch::autograd::variable_list(num_inputs_);
    TORCH_CHECK(gradients_ != nullptr, "backward was run twice through one forward");
    const at::NoGradGuard no_grad;
    return gradients_(output_gradients[0]);
  }
  void release_variables() override { gradients_ = nullptr; }
  std::string name() const override { return "PlumbCustomGradient"; }

 private:
  InputGradients gradients_;
  const size_t num_inputs_;
};

}  // namespace

bool NeedsGradient(const std::vector<at::Tensor>& inputs) {
  if (!at::GradMode::is_enabled()) return false;
  return std::any_of(inputs.begin(), inputs.end(),
                     [](const at::Tensor& input) { return input.defined() && input.requires_grad(); });
}

at::Tensor WithGradient(at::Tensor output, const std::vector<at::Tensor>& inputs, InputGradients gradients) {
  if (!NeedsGradient(inputs)) return output;
  const auto node =
      std::shared_ptr<CustomNode>(new CustomNode(std::move(gradients), inputs.size()), torch::autograd::deleteNode);
  torch::autograd::edge_list edges;
  for (const at::Tensor& input : inputs) {
    edges.push_back(input.defined() ? torch::autograd::impl::gradient_edge(input) : torch::autograd::Edge());
  }
  node->set_next_edges(std::move(edges));
  torch::autograd::set_history(output, node);
  return output;
}

}  // namespace plumb
