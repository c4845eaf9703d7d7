#ifndef PLUMB_TOOLS_COMMANDS_RUN_INPUTS_H_
#define PLUMB_TOOLS_COMMANDS_RUN_INPUTS_H_

#include <string>
#include <vector>

#include "proto/config.pb.h"

// Whether the files that a training configuration names can be used, found out without loading the weights: the model
// folder's headers, its tokenizer.json and chat template, and the rows of the data files as the stage reads them.
namespace plumb::cli {

// A check alone takes all rows; a run is about to read them anyway.
enum class RowsToCheck { kFirst, kAll };

// What is wrong, each naming its field: "data.file: rows.jsonl: no such file". Fields that are not set are passed over.
std::vector<std::string> InputProblems(const proto::SftConfig& config, RowsToCheck rows);
std::vector<std::string> InputProblems(const proto::GrpoConfig& config, RowsToCheck rows);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_COMMANDS_RUN_INPUTS_H_
