#ifndef PLUMB_BASE_CONFIG_H_
#define PLUMB_BASE_CONFIG_H_

#include <google/protobuf/message.h>

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// YAML configuration over a protobuf schema whose fields say what they are (proto/options.proto).
namespace plumb {

// Where each value of a resolved configuration came from: "learning_rate" -> "sft.yaml:7:18", "--set" or "default".
using ConfigSources = std::map<std::string, std::string>;

// Fills `config` from a YAML file, then from `overrides` ("a.b=c"; lists as YAML: "a.list=[1, 2]"; an element of a list
// as "a.list.0.key=v"), then from defaults, and checks every value. All problems are reported at once, one a line:
//   sft.yaml:7:3: optimizer.learning_rat: unknown key; did you mean learning_rate?
//   --set steps=0: steps: 0 is less than 1
// Unknown and repeated keys, wrong types, values out of range and missing required fields are problems.
// Errors: kNotFound for the file, kInvalidArgument for its content.
absl::StatusOr<ConfigSources> LoadConfig(const std::string& path, const std::vector<std::string>& overrides,
                                         google::protobuf::Message& config);

// The same for a YAML text; `name` stands in messages where the file's name would.
absl::StatusOr<ConfigSources> ParseConfig(absl::string_view yaml, absl::string_view name,
                                          const std::vector<std::string>& overrides, google::protobuf::Message& config);

// The resolved configuration as YAML, each scalar with a comment that names its source. Reads back to the same message.
std::string FormatConfig(const google::protobuf::Message& config, const ConfigSources& sources);

// The values in which two resolved configurations of one schema differ, one text each: "modified: steps: 10 -> 20".
std::vector<std::string> ConfigDifferences(const google::protobuf::Message& before,
                                           const google::protobuf::Message& after);

// The reference of schemas as Markdown: one section with a table for each message, the roots first, with type, default,
// range, unit and help.
std::string ConfigReference(const std::vector<const google::protobuf::Descriptor*>& roots);

}  // namespace plumb

#endif  // PLUMB_BASE_CONFIG_H_
