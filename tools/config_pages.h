#ifndef PLUMB_TOOLS_CONFIG_PAGES_H_
#define PLUMB_TOOLS_CONFIG_PAGES_H_

#include <google/protobuf/descriptor.h>

#include <string>

// What is printed from the configuration schema.
namespace plumb::cli {

// docs/configuration.md: the reference of every configuration file that the program reads.
std::string ConfigurationPage();

// The keys of a configuration for `--help`, one entry each: "optimizer.learning_rate   Peak ... Default: 1e-5."
std::string ConfigKeysHelp(const google::protobuf::Descriptor& schema);

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_CONFIG_PAGES_H_
