#ifndef PLUMB_REWARD_REWARD_SERVICE_H_
#define PLUMB_REWARD_REWARD_SERVICE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "grpcpp/impl/codegen/service_type.h"
#include "proto/config.pb.h"

namespace plumb {

// The gRPC service that scores with the built-in verifiers. Register it with StartServer(). Thread-safe.
// Errors: kInvalidArgument naming the verifier and its field.
absl::StatusOr<std::unique_ptr<grpc::Service>> MakeRewardService(const proto::RewardServiceConfig& config);

}  // namespace plumb

#endif  // PLUMB_REWARD_REWARD_SERVICE_H_
