#ifndef PLUMB_BASE_GRPC_STATUS_H_
#define PLUMB_BASE_GRPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace plumb {

// The only place where a status becomes a gRPC status and back. Codes are the same numbers; messages are kept. Where
// gRPC gives no message, the code's name stands for it.
grpc::Status ToGrpcStatus(const absl::Status& status);
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace plumb

#endif  // PLUMB_BASE_GRPC_STATUS_H_
