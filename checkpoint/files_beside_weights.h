#ifndef PLUMB_CHECKPOINT_FILES_BESIDE_WEIGHTS_H_
#define PLUMB_CHECKPOINT_FILES_BESIDE_WEIGHTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace plumb {

// The names of a model folder's other files that go along with its weights: those of the tokenizer and the chat
// template, the generation settings, and the model's own code and licence. A folder that is gone has none. Errors:
// kInvalidArgument for a link out of the folder or to nowhere, and what is no regular file.
absl::StatusOr<std::vector<std::string>> FilesBesideWeights(const std::string& folder);

}  // namespace plumb

#endif  // PLUMB_CHECKPOINT_FILES_BESIDE_WEIGHTS_H_
