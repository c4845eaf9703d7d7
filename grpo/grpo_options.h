#ifndef PLUMB_GRPO_GRPO_OPTIONS_H_
#define PLUMB_GRPO_GRPO_OPTIONS_H_

#include "grpo/group_advantages.h"
#include "grpo/policy_updater.h"
#include "proto/config.pb.h"
#include "rollout/generation.h"

// What a resolved configuration says, in the structs that the parts take.
namespace plumb {

SamplingOptions SamplingOf(const proto::SamplingConfig& config);
AdvantageOptions AdvantagesOf(const proto::AlgorithmConfig& config);
UpdateOptions UpdateOf(const proto::GrpoConfig& config, int64_t num_ids);

}  // namespace plumb

#endif  // PLUMB_GRPO_GRPO_OPTIONS_H_
