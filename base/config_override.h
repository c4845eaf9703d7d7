#ifndef PLUMB_BASE_CONFIG_OVERRIDE_H_
#define PLUMB_BASE_CONFIG_OVERRIDE_H_

#include <google/protobuf/descriptor.h>

#include <string>

#include "absl/status/status.h"
#include "base/config_yaml.h"

namespace plumb {

// Puts one `--set` text ("a.b=c") into the tree of a configuration, in place of what is there. Maps and list elements
// on the way are made where they are missing. The value is YAML; where the schema has one string, it is the text as it
// is, unless it stands in quotes. Keys that the schema does not know are kept: who reads the tree reports them. Errors:
// kInvalidArgument "--set steps: ...": no "=", an empty key, a list index beyond the end, a path through a value, a
// value that is no YAML.
absl::Status ApplyOverride(const std::string& override_text, const google::protobuf::Descriptor& schema,
                           YamlValue& root);

}  // namespace plumb

#endif  // PLUMB_BASE_CONFIG_OVERRIDE_H_
