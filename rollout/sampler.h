#ifndef PLUMB_ROLLOUT_SAMPLER_H_
#define PLUMB_ROLLOUT_SAMPLER_H_

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "rollout/generation.h"

namespace plumb {

// One token to sample.
struct SampleRequest {
  int64_t row = 0;  // of the logits; several requests may share one
  const SamplingOptions* sampling = nullptr;
  std::array<uint32_t, 2> key = {0, 0};  // PhiloxKey() of the sample
  int64_t position = 0;                  // of the sampled token in prompt + completion
};

struct SampledToken {
  bool finite = true;  // false: the row has non-finite logits and nothing was sampled
  int64_t id = -1;
  float logprob = 0;           // natural log, temperature 1, whole vocabulary
  float sampling_logprob = 0;  // of the distribution that was sampled; 0 where greedy
  std::vector<int64_t> kept;   // ascending; where asked for and top-k or top-p is on
};

// Samples one token for each request. A result depends on its own row, options, key and position only.
//
// Temperature comes first, then top-k, then top-p over what top-k left: the smallest set of most likely tokens whose
// probability reaches top_p. Equal logits are taken in the order of their ids. A token is drawn by inverting the
// cumulative distribution, in double, at one uniform number of 46 bits made by Philox from (key, position).
//
//   logits          [M, V] float32
//   tokenizer_size  ids at or above it are never sampled
//   returns         one per request, in order
//
// Tensor maths: throws what LibTorch throws.
std::vector<SampledToken> SampleTokens(const at::Tensor& logits, absl::Span<const SampleRequest> requests,
                                       int64_t tokenizer_size);

}  // namespace plumb

#endif  // PLUMB_ROLLOUT_SAMPLER_H_
