#include "train/micro_batch.h"

#include <algorithm>
#include <numeric>

namespace plumb {

std::vector<std::vector<int64_t>> SplitIntoMicroBatches(absl::Span<const int64_t> lengths, int64_t max_tokens) {
  std::vector<int64_t> longest_first(lengths.size());
  std::iota(longest_first.begin(), longest_first.end(), int64_t{0});
  std::stable_sort(longest_first.begin(), longest_first.end(),
                   [&](int64_t left, int64_t right) { return lengths[left] > lengths[right]; });

  std::vector<std::vector<int64_t>> batches;
  std::vector<int64_t> free_tokens;
  for (const int64_t row : longest_first) {
    const auto fits =
        std::find_if(free_tokens.begin(), free_tokens.end(), [&](int64_t tokens) { return tokens >= lengths[row]; });
    const size_t batch = static_cast<size_t>(fits - free_tokens.begin());
    if (fits == free_tokens.end()) {
      batches.emplace_back();
      free_tokens.push_back(max_tokens);
    }
    batches[batch].push_back(row);
    free_tokens[batch] -= lengths[row];
  }
  for (std::vector<int64_t>& batch : batches) std::sort(batch.begin(), batch.end());
  std::sort(batches.begin(), batches.end());
  return batches;
}

}  // namespace plumb
