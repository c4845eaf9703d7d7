#include "policy/packed_tokens.h"

#include <ATen/ATen.h>

#include "base/check.h"

namespace plumb {

PackedTokens PackSequences(const std::vector<std::vector<int64_t>>& sequences) {
  PackedTokens tokens;
  tokens.starts.push_back(0);
  for (const std::vector<int64_t>& sequence : sequences) {
    PLUMB_CHECK(!sequence.empty()) << "sequence " << tokens.num_sequences() << " is empty";
    tokens.starts.push_back(tokens.starts.back() + static_cast<int64_t>(sequence.size()));
  }
  tokens.ids = at::empty({tokens.num_tokens()}, at::kLong);
  tokens.positions = at::empty({tokens.num_tokens()}, at::kLong);
  int64_t* ids = tokens.ids.mutable_data_ptr<int64_t>();
  int64_t* positions = tokens.positions.mutable_data_ptr<int64_t>();
  for (const std::vector<int64_t>& sequence : sequences) {
    for (size_t position = 0; position < sequence.size(); ++position) {
      *ids++ = sequence[position];
      *positions++ = static_cast<int64_t>(position);
    }
  }
  return tokens;
}

PackedTokens ToDevice(const PackedTokens& tokens, at::Device device) {
  PackedTokens moved = tokens;
  moved.ids = tokens.ids.to(device);
  moved.positions = tokens.positions.to(device);
  return moved;
}

}  // namespace plumb
