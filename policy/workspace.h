#ifndef PLUMB_POLICY_WORKSPACE_H_
#define PLUMB_POLICY_WORKSPACE_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "policy/kernels/cpu/attention_units.h"
#include "policy/model_config.h"
#include "policy/weights.h"

namespace plumb {

// Memory that the forwards of one model on the CPU leave to the next one: a forward that is not larger than all before
// it allocates nothing. Not thread-safe; one forward at a time.
class Workspace {
 public:
  explicit Workspace(const ModelConfig& config);

  // Room for `bytes`, from a cache line's start on; not initialised, and valid until the next call.
  char* Reserve(int64_t bytes);

  // Room for results that outlive the forward: valid until the next call. The same tensor for the same shape.
  //   returns  [rows, columns] float32, not initialised
  at::Tensor Results(int64_t rows, int64_t columns);

  // [Dr / 2] of the model.
  const std::vector<float>& rope_frequencies() const { return rope_frequencies_; }

  // A forward's attention, planned into the memory of the last one's.
  cpu::AttentionUnits units;
  std::vector<int64_t> slots;  // [N] row of each token's latent in the cache's pages

 private:
  const std::vector<float> rope_frequencies_;
  at::Tensor memory_;   // [bytes] uint8
  at::Tensor results_;  // [rows, columns] float32
};

// Whether a forward with these weights can run over a workspace: no gradient is recorded; all of them are on the CPU,
// float32 or bfloat16, contiguous.
bool WorkspaceTakes(const PolicyWeights& weights);

}  // namespace plumb

#endif  // PLUMB_POLICY_WORKSPACE_H_
