#ifndef PLUMB_TOOLS_COMMANDS_RUN_INPUTS_H_
#define PLUMB_TOOLS_COMMANDS_RUN_INPUTS_H_

#include <string>
#include <vector>

#include "proto/config.pb.h"

// Whether the files that a training configuration names can be used, found out without loading them: the model folder's
// headers, its tokenizer.json, and the first row of each data file.
namespace plumb::cli {

// What is wrong, each naming its field: "data.file: rows.jsonl: no such file". Fields that are not set are passed over.
std::vector<std::string> InputProblems(const proto::SftConfig& config);
std::vector<std::string> InputProblems(const proto::GrpoConfig& config);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_COMMANDS_RUN_INPUTS_H_
