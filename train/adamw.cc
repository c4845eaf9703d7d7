#include "train/adamw.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace plumb {
namespace {

absl::Status CheckLike(const std::string& name, const at::Tensor& tensor, const at::Tensor& expected) {
  if (tensor.scalar_type() == at::kFloat && tensor.sizes() == expected.sizes()) return absl::OkStatus();
  std::ostringstream message;
  message << name << ": is " << tensor.sizes() << " " << tensor.scalar_type() << ", expected " << expected.sizes()
          << " Float";
  return absl::InvalidArgumentError(message.str());
}

// Copies the tensor that `state` has under `name`.
absl::Status CopyFrom(const std::map<std::string, at::Tensor>& state, const std::string& name, at::Tensor& target) {
  const auto found = state.find(name);
  if (found == state.end()) return absl::InvalidArgumentError(absl::StrCat(name, ": missing in the optimizer's state"));
  RETURN_IF_ERROR(CheckLike(name, found->second, target));
  target.copy_(found->second);
  return absl::OkStatus();
}

bool NeedsMaster(const Parameter& parameter) { return parameter.value.scalar_type() != at::kFloat; }

at::Tensor FloatGradient(const Parameter& parameter, const at::Tensor& master) {
  const at::Tensor& gradient = parameter.value.grad();
  if (!gradient.defined()) return at::zeros_like(master);
  return gradient.to(at::kFloat).contiguous();
}

}  // namespace

AdamW::AdamW(std::vector<Parameter> parameters, const AdamWOptions& options)
    : options_(options), parameters_(std::move(parameters)) {
  const at::NoGradGuard no_grad;
  for (const Parameter& parameter : parameters_) {
    const at::Tensor value = parameter.value.detach();
    master_.push_back(NeedsMaster(parameter) ? value.to(at::kFloat) : value);
    exp_avg_.push_back(at::zeros_like(master_.back()));
    exp_avg_sq_.push_back(at::zeros_like(master_.back()));
  }
}

void AdamW::Step(double learning_rate) {
  const at::NoGradGuard no_grad;
  ++steps_;
  UpdateMasters(/*decays=*/true, learning_rate);
  UpdateMasters(/*decays=*/false, learning_rate);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (NeedsMaster(parameters_[i])) parameters_[i].value.copy_(master_[i]);
  }
}

void AdamW::UpdateMasters(bool decays, double learning_rate) {
  std::vector<at::Tensor> masters, gradients, exp_avg, exp_avg_sq, steps;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_[i].decays != decays) continue;
    masters.push_back(master_[i]);
    gradients.push_back(FloatGradient(parameters_[i], master_[i]));
    exp_avg.push_back(exp_avg_[i]);
    exp_avg_sq.push_back(exp_avg_sq_[i]);
    steps.push_back(at::full({}, static_cast<double>(steps_), master_[i].options()));
  }
  if (masters.empty()) return;
  at::_fused_adamw_(masters, gradients, exp_avg, exp_avg_sq, /*max_exp_avg_sqs=*/{}, steps, learning_rate,
                    options_.beta1, options_.beta2, decays ? options_.weight_decay : 0.0, options_.epsilon,
                    /*amsgrad=*/false, /*maximize=*/false);
}

void AdamW::ZeroGradients() {
  for (Parameter& parameter : parameters_) parameter.value.mutable_grad().reset();
}

double AdamW::ClipGradients(double max_norm) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  for (const Parameter& parameter : parameters_) {
    if (parameter.value.grad().defined()) gradients.push_back(parameter.value.grad());
  }
  if (gradients.empty()) return 0.0;
  const std::vector<at::Tensor> norms = at::_foreach_norm(gradients, 2, at::kFloat);
  const double norm = at::stack(norms).norm().item<double>();
  if (!std::isfinite(norm) || max_norm <= 0.0) return norm;
  // The 1e-6 is torch.nn.utils.clip_grad_norm_'s.
  const double scale = max_norm / (norm + 1e-6);
  if (scale < 1.0) at::_foreach_mul_(gradients, at::Scalar(scale));
  return norm;
}

std::map<std::string, at::Tensor> AdamW::State() const {
  std::map<std::string, at::Tensor> state;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const std::string& name = parameters_[i].name;
    state[absl::StrCat("exp_avg.", name)] = exp_avg_[i];
    state[absl::StrCat("exp_avg_sq.", name)] = exp_avg_sq_[i];
    if (NeedsMaster(parameters_[i])) state[absl::StrCat("master.", name)] = master_[i];
  }
  return state;
}

absl::Status AdamW::LoadState(const std::map<std::string, at::Tensor>& state, int64_t steps) {
  const at::NoGradGuard no_grad;
  size_t used = 0;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const std::string& name = parameters_[i].name;
    RETURN_IF_ERROR(CopyFrom(state, absl::StrCat("exp_avg.", name), exp_avg_[i]));
    RETURN_IF_ERROR(CopyFrom(state, absl::StrCat("exp_avg_sq.", name), exp_avg_sq_[i]));
    used += 2;
    if (!NeedsMaster(parameters_[i])) continue;
    RETURN_IF_ERROR(CopyFrom(state, absl::StrCat("master.", name), master_[i]));
    parameters_[i].value.copy_(master_[i]);
    ++used;
  }
  if (used != state.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the optimizer's state has ", state.size(), " tensors, expected ", used));
  }
  steps_ = steps;
  return absl::OkStatus();
}

}  // namespace plumb
