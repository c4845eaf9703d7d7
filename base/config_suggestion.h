#ifndef PLUMB_BASE_CONFIG_SUGGESTION_H_
#define PLUMB_BASE_CONFIG_SUGGESTION_H_

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace plumb {

// The edit distance of two words: insertions, deletions, replacements and swaps of neighbours cost 1 each.
int EditDistance(absl::string_view left, absl::string_view right);

// "; did you mean NAME?" for the candidate nearest to `word`; empty where none is near: a third of the longer word's
// letters may differ. The first of equally near candidates wins.
std::string DidYouMean(absl::string_view word, const std::vector<std::string>& candidates);

// The path from `root` of the key that a user means by `word`: a name that other training programs have for it
// ("num_generations" is group_size), else the first key of this very name, lists apart. Empty where there is none.
std::string FindKeyPath(absl::string_view word, const google::protobuf::Descriptor& root);

// "; did you mean KEY?" for a key that `table`, a part of `root`, does not have: FindKeyPath(), else the nearest key of
// the table; without its path where the key is one of the table's.
std::string SuggestKey(absl::string_view word, const google::protobuf::Descriptor& table,
                       const google::protobuf::Descriptor& root);

}  // namespace plumb

#endif  // PLUMB_BASE_CONFIG_SUGGESTION_H_
