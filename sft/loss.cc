#include "sft/loss.h"

#include <ATen/ATen.h>

namespace plumb {

at::Tensor SftLoss(const at::Tensor& logprobs, int64_t trained_tokens) {
  return logprobs.sum().neg() / static_cast<double>(trained_tokens);
}

}  // namespace plumb
