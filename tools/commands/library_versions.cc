#include "tools/commands/library_versions.h"

#include <google/protobuf/stubs/common.h>
#include <grpcpp/grpcpp.h>

#include "tools/version.h"

namespace plumb::cli {

std::vector<std::pair<std::string, std::string>> LibraryVersions() {
  return {{"LibTorch", PLUMB_LIBTORCH_VERSION},
          {"gRPC", grpc::Version()},
          {"Protobuf", google::protobuf::internal::VersionString(GOOGLE_PROTOBUF_VERSION)}};
}

std::string VersionText() {
  std::string text = absl::StrCat("plumb ", PLUMB_VERSION, " (", PLUMB_GIT_ID, ")\n");
  for (const auto& [name, version] : LibraryVersions()) absl::StrAppend(&text, name, " ", version, "\n");
  return text;
}

}  // namespace plumb::cli
