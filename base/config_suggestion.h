#ifndef PLUMB_BASE_CONFIG_SUGGESTION_H_
#define PLUMB_BASE_CONFIG_SUGGESTION_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace plumb {

// The edit distance of two words: insertions, deletions, replacements and swaps of neighbours cost 1 each.
int EditDistance(absl::string_view left, absl::string_view right);

// "; did you mean NAME?" for the candidate nearest to `word`; empty where none is near: a third of the longer word's
// letters may differ. The first of equally near candidates wins.
std::string DidYouMean(absl::string_view word, const std::vector<std::string>& candidates);

}  // namespace plumb

#endif  // PLUMB_BASE_CONFIG_SUGGESTION_H_
