#ifndef PLUMB_POLICY_PACKED_TOKENS_H_
#define PLUMB_POLICY_PACKED_TOKENS_H_

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace plumb {

// N tokens of B sequences, one after the other without padding. A prefill chunk, a decode step and a training batch
// differ only in their boundaries.
struct PackedTokens {
  at::Tensor ids;        // [N] int64
  at::Tensor positions;  // [N] int64, consecutive inside a sequence; the first is the number of cached tokens before it
  std::vector<int64_t> starts;  // [B + 1] sequence b is tokens starts[b] ... starts[b + 1] - 1; none is empty

  int64_t num_tokens() const { return starts.back(); }
  int64_t num_sequences() const { return static_cast<int64_t>(starts.size()) - 1; }
};

// Packs whole sequences; positions start at 0 in each. Tensors are made on the CPU, move them with To().
PackedTokens PackSequences(const std::vector<std::vector<int64_t>>& sequences);

// The same tokens with their tensors on `device`.
PackedTokens ToDevice(const PackedTokens& tokens, at::Device device);

}  // namespace plumb

#endif  // PLUMB_POLICY_PACKED_TOKENS_H_
