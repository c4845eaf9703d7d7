#ifndef PLUMB_BASE_CONFIG_DIFFERENCE_H_
#define PLUMB_BASE_CONFIG_DIFFERENCE_H_

#include <google/protobuf/message.h>

#include <string>
#include <vector>

namespace plumb {

// The values in which two resolved configurations of one schema differ, one text each: "modified: steps: 10 -> 20".
std::vector<std::string> ConfigDifferences(const google::protobuf::Message& before,
                                           const google::protobuf::Message& after);

}  // namespace plumb

#endif  // PLUMB_BASE_CONFIG_DIFFERENCE_H_
