#include "base/grpc_guard.h"

#include <grpcpp/grpcpp.h>

#include <exception>

#include "absl/strings/str_cat.h"
#include "base/grpc_status.h"
#include "base/log.h"

namespace plumb {

absl::Status GuardGrpcEntry(absl::string_view entry, const std::function<absl::Status()>& body) {
  try {
    return body();
  } catch (const std::exception& error) {
    LogError("grpc", entry, ": ", error.what());
    return absl::InternalError(absl::StrCat(entry, ": internal error"));
  }
}

grpc::ServerUnaryReactor* AnswerUnary(grpc::CallbackServerContext* context, absl::string_view entry,
                                      const std::function<absl::Status()>& body) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(GuardGrpcEntry(entry, body)));
  return reactor;
}

}  // namespace plumb
