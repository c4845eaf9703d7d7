#ifndef PLUMB_POLICY_PRESETS_H_
#define PLUMB_POLICY_PRESETS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/json.h"

namespace plumb {

// The names that `plumb init --preset` takes.
std::vector<std::string> PresetNames();

// The config.json of a preset, with the vocabulary of a tokenizer.
//   vocab_size  rounded up to a multiple of 16
//   eos_id      -1 where the tokenizer has none
// Errors: kInvalidArgument listing the names.
absl::StatusOr<Json> PresetConfig(const std::string& name, int64_t vocab_size, int64_t bos_id, int64_t eos_id);

}  // namespace plumb

#endif  // PLUMB_POLICY_PRESETS_H_
