#include "text/packing.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

namespace plumb {

std::vector<std::vector<int64_t>> PackBestFit(absl::Span<const int64_t> lengths, int64_t limit) {
  std::vector<int64_t> order(lengths.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return lengths[a] > lengths[b]; });
  std::vector<std::vector<int64_t>> bins;
  // (free tokens, bin): the first that is large enough is the fullest that fits, and the oldest of these.
  std::set<std::pair<int64_t, int64_t>> open;
  for (const int64_t document : order) {
    const auto fit = open.lower_bound({lengths[document], 0});
    int64_t free = limit;
    auto bin = static_cast<int64_t>(bins.size());
    if (fit == open.end()) {
      bins.emplace_back();
    } else {
      std::tie(free, bin) = *fit;
      open.erase(fit);
    }
    bins[bin].push_back(document);
    if (free > lengths[document]) open.insert({free - lengths[document], bin});
  }
  return bins;
}

}  // namespace plumb
