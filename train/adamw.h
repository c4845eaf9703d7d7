#ifndef PLUMB_TRAIN_ADAMW_H_
#define PLUMB_TRAIN_ADAMW_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace plumb {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.0;
};

// A trained tensor. `value` is a leaf that requires gradients.
struct Parameter {
  std::string name;
  at::Tensor value;  // [...] any shape, float32 or bfloat16
  bool decays = true;
};

// AdamW with decoupled weight decay. Parameters that are not float32 get a float32 master copy; after each step the
// parameter is the master rounded to its type. A parameter without a gradient counts as having gradient 0.
// Source: arXiv:1711.05101, algorithm 2. Not thread-safe.
class AdamW {
 public:
  AdamW(std::vector<Parameter> parameters, const AdamWOptions& options);

  // One update with the gradients that the parameters hold.
  void Step(double learning_rate);
  // Drops all gradients.
  void ZeroGradients();

  // Scales all gradients so that their global L2 norm is at most `max_norm` (0: no limit), as
  // torch.nn.utils.clip_grad_norm_ does. Returns the norm before; not finite where a gradient is not, and then nothing
  // is scaled.
  double ClipGradients(double max_norm);

  const std::vector<Parameter>& parameters() const { return parameters_; }
  int64_t steps() const { return steps_; }

  // Everything needed to go on: "exp_avg.<name>", "exp_avg_sq.<name>", "master.<name>" (float32 ones apart), and the
  // number of steps. The tensors are the live ones, not copies. Loading checks names and shapes; on an error the
  // optimizer must not be used any more. Errors: kInvalidArgument naming the tensor.
  std::map<std::string, at::Tensor> State() const;
  absl::Status LoadState(const std::map<std::string, at::Tensor>& state, int64_t steps);

 private:
  // Updates the masters of the parameters that decay, or of those that do not.
  void UpdateMasters(bool decays, double learning_rate);

  const AdamWOptions options_;
  std::vector<Parameter> parameters_;
  // One per parameter, in its shape.
  std::vector<at::Tensor> master_;      // [...] float32; the parameter itself where that is float32
  std::vector<at::Tensor> exp_avg_;     // [...] float32
  std::vector<at::Tensor> exp_avg_sq_;  // [...] float32
  int64_t steps_ = 0;
};

}  // namespace plumb

#endif  // PLUMB_TRAIN_ADAMW_H_
