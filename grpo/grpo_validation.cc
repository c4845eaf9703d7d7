#include "grpo/grpo_validation.h"

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "grpo/local_services.h"
#include "reward/rubric.h"

namespace plumb {
namespace {

using Problems = std::vector<std::string>;

void CheckSampling(const proto::SamplingConfig& sampling, Problems& problems) {
  constexpr char kWhy[] =
      "; the loss needs log-probabilities over the tokens that could be sampled, and it takes the whole vocabulary";
  if (sampling.top_p() < 1.0) {
    problems.push_back(absl::StrCat("sampling.top_p: is ", sampling.top_p(), ", expected 1 in training", kWhy));
  }
  if (sampling.top_k() > 0) {
    problems.push_back(absl::StrCat("sampling.top_k: is ", sampling.top_k(), ", expected 0 in training", kWhy));
  }
}

void CheckBatch(const proto::GrpoConfig& config, Problems& problems) {
  if (config.group_size() < 2) {
    problems.push_back(absl::StrCat("group_size: is ", config.group_size(),
                                    ", expected at least 2: a completion is compared with the others of its group"));
  }
  if (config.algorithm().optimizer_steps() > config.prompts_per_step()) {
    problems.push_back(absl::StrCat("algorithm.optimizer_steps: is ", config.algorithm().optimizer_steps(),
                                    ", expected at most prompts_per_step (", config.prompts_per_step(),
                                    "): a batch is split by prompts"));
  }
}

void CheckServices(const proto::GrpoConfig& config, Problems& problems) {
  const proto::RewardClientConfig& reward = config.reward();
  if (!reward.verifiers().empty()) {
    const absl::Status built = Rubric::Create(reward.verifiers()).status();
    if (!built.ok()) problems.push_back(absl::StrCat("reward.", built.message()));
  }
  if (reward.plugins().empty() && reward.verifiers().empty()) {
    problems.push_back("reward: has neither plugins nor verifiers, expected at least one of them");
  }
  std::set<std::string> names;
  if (!reward.verifiers().empty()) names.insert(kBuiltinReward);
  for (const proto::PluginConfig& plugin : reward.plugins()) {
    if (!names.insert(plugin.name()).second) {
      problems.push_back(absl::StrCat("reward.plugins: the name '", plugin.name(), "' is used twice"));
    }
  }
  if (config.rollout().workers().empty() && config.rollout().compute().dtype() != config.compute().dtype()) {
    problems.push_back(absl::StrCat("rollout.compute.dtype: is ", config.rollout().compute().dtype(),
                                    ", expected compute.dtype (", config.compute().dtype(),
                                    "): workers serve exactly the weights that are trained"));
  }
}

}  // namespace

absl::Status CheckGrpoConfig(const proto::GrpoConfig& config) {
  Problems problems;
  CheckBatch(config, problems);
  CheckSampling(config.sampling(), problems);
  CheckServices(config, problems);
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
}

}  // namespace plumb
