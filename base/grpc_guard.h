#ifndef PLUMB_BASE_GRPC_GUARD_H_
#define PLUMB_BASE_GRPC_GUARD_H_

#include <grpcpp/support/server_callback.h>

#include <functional>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace plumb {

// Calls `body`; an exception becomes kInternal with the name of the entry. gRPC 1.51 swallows exceptions in callbacks,
// and the peer then waits for ever.
absl::Status GuardGrpcEntry(absl::string_view entry, const std::function<absl::Status()>& body);

// Runs `body` now and finishes a unary callback call with its status.
grpc::ServerUnaryReactor* AnswerUnary(grpc::CallbackServerContext* context, absl::string_view entry,
                                      const std::function<absl::Status()>& body);

}  // namespace plumb

#endif  // PLUMB_BASE_GRPC_GUARD_H_
