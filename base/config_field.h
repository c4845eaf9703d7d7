#ifndef PLUMB_BASE_CONFIG_FIELD_H_
#define PLUMB_BASE_CONFIG_FIELD_H_

#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/config_yaml.h"
#include "proto/options.pb.h"

namespace plumb {

// What the schema says of a field.
const proto::FieldDoc& DocOf(const google::protobuf::FieldDescriptor& field);

std::vector<std::string> FieldNames(const google::protobuf::Descriptor& message);

// Reads a scalar of the field's type, checks its range and choices, and sets it (adds it, for a list). A whole number
// takes neither a fraction nor an exponent; a text takes any scalar.
// Returns what is wrong, empty where nothing is: "0 is less than 1".
std::string SetScalar(const YamlValue& value, const google::protobuf::FieldDescriptor& field,
                      google::protobuf::Message& message);

// Sets a field that the user left out to its default. False: the field has none.
bool SetDefault(const google::protobuf::FieldDescriptor& field, google::protobuf::Message& message);

// A value as YAML that SetScalar() reads back to the same value. `index` is the element of a list, -1 for a single one.
std::string FormatScalar(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor& field,
                         int index);

}  // namespace plumb

#endif  // PLUMB_BASE_CONFIG_FIELD_H_
