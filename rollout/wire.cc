#include "rollout/wire.h"

#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace plumb {
namespace {

constexpr int64_t kMaxTokensAsked = int64_t{1} << 30;

proto::FinishReason ToProto(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return proto::FINISH_REASON_STOP;
    case FinishReason::kLength:
      return proto::FINISH_REASON_LENGTH;
    case FinishReason::kCancelled:
      return proto::FINISH_REASON_CANCELLED;
  }
  return proto::FINISH_REASON_UNSPECIFIED;
}

void AddToken(const TokenEvent& event, proto::SequenceDelta& delta) {
  if (event.token.id >= 0) {
    delta.add_ids(static_cast<uint32_t>(event.token.id));
    delta.add_logprobs(event.token.logprob);
    delta.add_sampling_logprobs(event.token.sampling_logprob);
  }
  if (!event.token.kept.empty()) {
    proto::KeptSet& kept = *delta.add_kept_sets();
    for (const int64_t id : event.token.kept) kept.add_ids(static_cast<uint32_t>(id));
  }
  if (!event.finish.has_value()) return;
  delta.mutable_finish()->set_reason(ToProto(event.finish->reason));
  delta.mutable_finish()->set_stop(event.finish->stop);
  delta.mutable_finish()->set_text(event.finish->text);
}

}  // namespace

WeightVersion FromProto(const proto::WeightVersion& version) {
  return {version.incarnation(), version.step(), version.digest()};
}

proto::WeightVersion ToProto(const WeightVersion& version) {
  proto::WeightVersion message;
  message.set_incarnation(version.incarnation);
  message.set_step(version.step);
  message.set_digest(version.digest);
  return message;
}

absl::StatusOr<std::vector<GroupRequest>> GroupsFromProto(const proto::GenerateRequest& request) {
  if (request.api_version() != kRolloutApiVersion) {
    return absl::InvalidArgumentError(
        absl::StrCat("api_version: is ", request.api_version(), ", this worker speaks ", kRolloutApiVersion));
  }
  if (request.request_id().empty()) return absl::InvalidArgumentError("request_id: is empty");
  std::vector<GroupRequest> groups;
  std::set<std::string> seen;
  for (const proto::PromptGroup& message : request.groups()) {
    const std::string path = absl::StrCat("groups[", groups.size(), "]");
    if (!seen.insert(message.group_id()).second) {
      return absl::InvalidArgumentError(absl::StrCat(path, ".group_id: '", message.group_id(), "' is given twice"));
    }
    if (message.seed().domain() != proto::SEED_DOMAIN_TRAIN && message.seed().domain() != proto::SEED_DOMAIN_EVAL) {
      return absl::InvalidArgumentError(absl::StrCat(path, ".seed.domain: is ", message.seed().domain()));
    }
    GroupRequest group;
    group.group_id = message.group_id();
    group.prompt_ids.assign(message.prompt_ids().begin(), message.prompt_ids().end());
    group.group_size = message.group_size();
    group.run_seed = message.seed().run_seed();
    group.domain = static_cast<SeedDomain>(message.seed().domain());
    group.row_id = message.seed().row_id();
    group.visit = message.seed().visit();
    group.first_sample_index = message.first_sample_index();
    groups.push_back(std::move(group));
  }
  return groups;
}

absl::StatusOr<SamplingOptions> SamplingFromProto(const proto::SamplingParameters& message) {
  if (message.max_new_tokens() > kMaxTokensAsked) {
    return absl::InvalidArgumentError(absl::StrCat("sampling.max_new_tokens: is ", message.max_new_tokens()));
  }
  if (message.greedy() && (message.has_temperature() || message.has_top_p() || message.has_top_k())) {
    return absl::InvalidArgumentError("sampling.greedy: is set, and so is temperature, top_p or top_k");
  }
  SamplingOptions sampling;
  sampling.max_new_tokens = message.max_new_tokens();
  sampling.greedy = message.greedy();
  if (message.has_temperature()) sampling.temperature = message.temperature();
  if (message.has_top_p()) sampling.top_p = message.top_p();
  if (message.has_top_k()) sampling.top_k = message.top_k();
  sampling.stop_ids.assign(message.stop_ids().begin(), message.stop_ids().end());
  sampling.stop_strings.assign(message.stop_strings().begin(), message.stop_strings().end());
  sampling.ignore_end_tokens = message.ignore_end_tokens();
  sampling.return_kept_sets = message.return_kept_sets();
  return sampling;
}

proto::GenerateRequest ToProto(const std::vector<GroupRequest>& groups, const SamplingOptions& sampling) {
  proto::GenerateRequest request;
  request.set_api_version(kRolloutApiVersion);
  for (const GroupRequest& group : groups) {
    proto::PromptGroup& message = *request.add_groups();
    message.set_group_id(group.group_id);
    message.mutable_prompt_ids()->Add(group.prompt_ids.begin(), group.prompt_ids.end());
    message.set_group_size(static_cast<uint32_t>(group.group_size));
    message.mutable_seed()->set_run_seed(group.run_seed);
    message.mutable_seed()->set_domain(static_cast<proto::SeedDomain>(group.domain));
    message.mutable_seed()->set_row_id(group.row_id);
    message.mutable_seed()->set_visit(group.visit);
    message.set_first_sample_index(static_cast<uint32_t>(group.first_sample_index));
  }
  proto::SamplingParameters& message = *request.mutable_sampling();
  message.set_max_new_tokens(static_cast<uint32_t>(sampling.max_new_tokens));
  message.set_greedy(sampling.greedy);
  if (!sampling.greedy) {
    message.set_temperature(static_cast<float>(sampling.temperature));
    message.set_top_p(static_cast<float>(sampling.top_p));
    message.set_top_k(static_cast<uint32_t>(sampling.top_k));
  }
  message.mutable_stop_ids()->Add(sampling.stop_ids.begin(), sampling.stop_ids.end());
  for (const std::string& stop : sampling.stop_strings) message.add_stop_strings(stop);
  message.set_ignore_end_tokens(sampling.ignore_end_tokens);
  message.set_return_kept_sets(sampling.return_kept_sets);
  return request;
}

proto::GenerateTick ToProto(const RequestTick& tick) {
  proto::GenerateTick message;
  *message.mutable_weight_version() = ToProto(*tick.version);
  std::map<std::pair<int64_t, int64_t>, proto::SequenceDelta*> deltas;
  for (const TokenEvent& event : tick.tokens) {
    proto::SequenceDelta*& delta = deltas[{event.group, event.sample}];
    if (delta == nullptr) {
      delta = message.add_deltas();
      delta->set_group_index(static_cast<uint32_t>(event.group));
      delta->set_sample_index(static_cast<uint32_t>(event.sample));
    }
    AddToken(event, *delta);
  }
  return message;
}

Stop FromProto(const proto::Finish& finish) {
  Stop stop;
  stop.reason = finish.reason() == proto::FINISH_REASON_STOP     ? FinishReason::kStop
                : finish.reason() == proto::FINISH_REASON_LENGTH ? FinishReason::kLength
                                                                 : FinishReason::kCancelled;
  stop.stop = finish.stop();
  stop.text = finish.text();
  return stop;
}

}  // namespace plumb
