#ifndef PLUMB_SFT_LOSS_H_
#define PLUMB_SFT_LOSS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace plumb {

// A micro batch's share of the step's loss: the negative log-likelihood of its trained tokens over the trained tokens
// of the WHOLE step, so that micro batches add up to the same loss however the step is split.
//
//   logprobs        [M] float32, of the trained tokens
//   trained_tokens  of the whole step, all micro batches; at least 1
//   returns         [] float32, nats per token
at::Tensor SftLoss(const at::Tensor& logprobs, int64_t trained_tokens);

}  // namespace plumb

#endif  // PLUMB_SFT_LOSS_H_
