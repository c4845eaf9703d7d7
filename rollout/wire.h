#ifndef PLUMB_ROLLOUT_WIRE_H_
#define PLUMB_ROLLOUT_WIRE_H_

#include <vector>

#include "absl/status/statusor.h"
#include "proto/rollout.pb.h"
#include "rollout/engine.h"
#include "rollout/generation.h"

// Between the structs of rollout/generation.h and the messages of proto/rollout.proto.
namespace plumb {

inline constexpr uint32_t kRolloutApiVersion = 1;

WeightVersion FromProto(const proto::WeightVersion& version);
proto::WeightVersion ToProto(const WeightVersion& version);

// Errors: kInvalidArgument with the field's path: an unknown api_version, no request_id, a repeated group_id, options
// that exclude each other.
absl::StatusOr<std::vector<GroupRequest>> GroupsFromProto(const proto::GenerateRequest& request);
absl::StatusOr<SamplingOptions> SamplingFromProto(const proto::SamplingParameters& sampling);

proto::GenerateRequest ToProto(const std::vector<GroupRequest>& groups, const SamplingOptions& sampling);
proto::GenerateTick ToProto(const RequestTick& tick);

Stop FromProto(const proto::Finish& finish);

}  // namespace plumb

#endif  // PLUMB_ROLLOUT_WIRE_H_
