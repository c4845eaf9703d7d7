#include "base/grpc_status.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace plumb {
namespace {

std::string MessageOf(const grpc::Status& status, absl::StatusCode code) {
  if (!status.error_message().empty()) return status.error_message();
  if (code == absl::StatusCode::kUnimplemented) return "UNIMPLEMENTED: this service is not served at this address";
  return absl::StrCat(absl::StatusCodeToString(code), ", without a message");
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  return absl::Status(code, MessageOf(status, code));
}

}  // namespace plumb
