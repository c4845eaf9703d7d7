#include "base/config_suggestion.h"

namespace plumb {

int EditDistance(absl::string_view left, absl::string_view right) {
  const size_t width = right.size() + 1;
  // Rows of the table: two before, one before, this one.
  std::vector<int> older(width), previous(width), current(width);
  for (size_t j = 0; j < width; ++j) previous[j] = static_cast<int>(j);
  for (size_t i = 1; i <= left.size(); ++i) {
    current[0] = static_cast<int>(i);
    for (size_t j = 1; j < width; ++j) {
      const int replaced = previous[j - 1] + (left[i - 1] == right[j - 1] ? 0 : 1);
      current[j] = std::min({replaced, previous[j] + 1, current[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
      if (swapped) current[j] = std::min(current[j], older[j - 2] + 1);
    }
    older.swap(previous);
    previous.swap(current);
  }
  return previous[right.size()];
}

std::string DidYouMean(absl::string_view word, const std::vector<std::string>& candidates) {
  // Long words are never names; the limit keeps a hostile text from costing time.
  if (word.size() > 128) return "";
  const std::string* nearest = nullptr;
  int nearest_distance = 0;
  for (const std::string& candidate : candidates) {
    const int distance = EditDistance(word, candidate);
    const int limit = std::max<int>(1, static_cast<int>(std::max(word.size(), candidate.size())) / 3);
    if (distance > limit || (nearest != nullptr && distance >= nearest_distance)) continue;
    nearest = &candidate;
    nearest_distance = distance;
  }
  return nearest == nullptr ? "" : absl::StrCat("; did you mean ", *nearest, "?");
}

}  // namespace plumb
