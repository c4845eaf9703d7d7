#ifndef PLUMB_TOOLS_MODEL_PLACE_H_
#define PLUMB_TOOLS_MODEL_PLACE_H_

#include <string>

#include "absl/status/status.h"

namespace plumb::cli {

// Whether `model` is a folder that can be a policy folder, with a hint for what else users give: the name of a model on
// a hub, a run folder. What stands in the folder is not read.
// Errors: kNotFound for no folder; kInvalidArgument for a file and for a run folder.
absl::Status CheckModelPlace(const std::string& model);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_MODEL_PLACE_H_
