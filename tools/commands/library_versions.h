#ifndef PLUMB_TOOLS_COMMANDS_LIBRARY_VERSIONS_H_
#define PLUMB_TOOLS_COMMANDS_LIBRARY_VERSIONS_H_

#include <string>
#include <utility>
#include <vector>

namespace plumb::cli {

// Names and versions of the linked libraries: LibTorch, gRPC, Protobuf.
std::vector<std::pair<std::string, std::string>> LibraryVersions();

// `plumb --version`: "plumb 0.1.0 (1f5fc2c2f341)" and one line for each library.
std::string VersionText();

}  // namespace plumb::cli

#endif  // PLUMB_TOOLS_COMMANDS_LIBRARY_VERSIONS_H_
