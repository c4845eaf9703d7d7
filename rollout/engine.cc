#include "rollout/engine.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/philox.h"
#include "base/status_macros.h"
#include "base/torch_guard.h"
#include "policy/policy.h"
#include "rollout/engine_limits.h"

namespace plumb {

struct Engine::Request {
  std::vector<GroupRequest> groups;
  SamplingOptions sampling;
  StopRules rules;
  RequestSink sink;
  std::optional<WeightVersion> required;
  std::vector<SequenceId> sequences;  // unfinished
};

struct Engine::Sequence {
  RequestId request = 0;
  int64_t group = 0;
  int64_t sample = 0;
  const GroupRequest* prompt = nullptr;
  const SamplingOptions* sampling = nullptr;
  std::array<uint32_t, 2> key = {0, 0};
  StopMatcher stops;
  std::vector<int64_t> completion;

  int64_t token(int64_t position) const {
    const int64_t prompt_tokens = static_cast<int64_t>(prompt->prompt_ids.size());
    return position < prompt_tokens ? prompt->prompt_ids[position] : completion[position - prompt_tokens];
  }
  int64_t length() const { return static_cast<int64_t>(prompt->prompt_ids.size() + completion.size()); }
};

absl::StatusOr<std::unique_ptr<Engine>> Engine::Create(PolicyWeights weights, const TextCodec* codec,
                                                       const proto::EngineConfig& config) {
  ASSIGN_OR_RETURN(const proto::EngineConfig resolved, ResolveEngineConfig(config, weights.config));
  const KvLayout layout = {.num_layers = weights.config.num_layers,
                           .latent_width = weights.config.LatentWidth(),
                           .dtype = weights.embed.scalar_type()};
  ASSIGN_OR_RETURN(LatentCache cache, LatentCache::Create(layout, resolved.cache_pages(), weights.embed.device()));
  return std::unique_ptr<Engine>(new Engine(std::move(weights), codec, resolved, std::move(cache)));
}

Engine::Engine(PolicyWeights weights, const TextCodec* codec, const proto::EngineConfig& config, LatentCache cache)
    : config_(config),
      weights_(std::move(weights)),
      codec_(codec),
      cache_(std::move(cache)),
      workspace_(weights_.config),
      end_ids_(codec != nullptr ? codec->end_ids() : weights_.config.eos_ids),
      tokenizer_size_(weights_.config.vocab_size),
      max_context_tokens_(std::min<int64_t>(weights_.config.max_positions, (config.cache_pages() - 1) * kPageTokens)),
      scheduler_({.max_running_sequences = config.max_running_sequences(),
                  .max_step_tokens = config.max_step_tokens(),
                  .num_pages = config.cache_pages(),
                  .page_tokens = kPageTokens}) {
  if (codec != nullptr) tokenizer_size_ = std::min(tokenizer_size_, codec->tokenizer().size());
}

Engine::~Engine() = default;

absl::Status Engine::Check(const std::vector<GroupRequest>& groups, const SamplingOptions& sampling) const {
  RETURN_IF_ERROR(CheckSampling(sampling, codec_ != nullptr));
  if (groups.empty()) return absl::InvalidArgumentError("groups: is empty, expected at least one");
  int64_t wanted = 0;
  for (size_t g = 0; g < groups.size(); ++g) {
    RETURN_IF_ERROR(CheckGroup(groups[g], g, sampling.max_new_tokens));
    wanted += groups[g].group_size;
  }
  const int64_t waiting = scheduler_.waiting_sequences();
  if (waiting + wanted > config_.max_waiting_sequences()) {
    return absl::ResourceExhaustedError(absl::StrCat(waiting, " sequences wait and ", wanted,
                                                     " more were asked for; at most ", config_.max_waiting_sequences(),
                                                     " may wait"));
  }
  return absl::OkStatus();
}

absl::Status Engine::CheckGroup(const GroupRequest& group, size_t index, int64_t max_new_tokens) const {
  const std::string path = absl::StrCat("groups[", index, "]");
  if (group.prompt_ids.empty()) return absl::InvalidArgumentError(absl::StrCat(path, ".prompt_ids: is empty"));
  if (group.group_size < 1 || group.group_size > config_.max_waiting_sequences()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ".group_size: is ", group.group_size, ", expected 1 to ", config_.max_waiting_sequences()));
  }
  for (size_t i = 0; i < group.prompt_ids.size(); ++i) {
    const int64_t id = group.prompt_ids[i];
    if (id < 0 || id >= weights_.config.vocab_size) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ".prompt_ids[", i, "]: is ", id, ", expected 0 to ", weights_.config.vocab_size - 1));
    }
  }
  const int64_t prompt_tokens = static_cast<int64_t>(group.prompt_ids.size());
  if (max_new_tokens > max_context_tokens_ - prompt_tokens) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": ", prompt_tokens, " prompt tokens and max_new_tokens ",
                                                   max_new_tokens, " are more than the ", max_context_tokens_,
                                                   " tokens of the longest context"));
  }
  return absl::OkStatus();
}

absl::Status Engine::CheckVersion(const std::optional<WeightVersion>& required) const {
  if (!required.has_value() || *required == version_) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the request requires weights of ", Describe(*required), ", served now: ", Describe(version_)));
}

absl::StatusOr<RequestId> Engine::Submit(const std::vector<GroupRequest>& groups, const SamplingOptions& sampling,
                                         RequestSink sink, const std::optional<WeightVersion>& required) {
  RETURN_IF_ERROR(CheckVersion(required));
  RETURN_IF_ERROR(Check(groups, sampling));
  const RequestId id = next_request_++;
  auto request = std::make_unique<Request>(
      Request{groups, sampling, MakeStopRules(sampling, end_ids_), std::move(sink), required, {}});
  const Tokenizer* tokenizer = codec_ != nullptr ? &codec_->tokenizer() : nullptr;
  for (size_t g = 0; g < groups.size(); ++g) {
    const GroupRequest& group = request->groups[g];
    const int64_t prompt_tokens = static_cast<int64_t>(group.prompt_ids.size());
    const SequenceId first =
        scheduler_.AddGroup(prompt_tokens, group.group_size, prompt_tokens + sampling.max_new_tokens);
    for (int64_t sample = 0; sample < group.group_size; ++sample) {
      const SeedKey seed = {.run_seed = group.run_seed,
                            .domain = static_cast<uint32_t>(group.domain),
                            .row_key = RowKey(group.row_id),
                            .visit = group.visit,
                            .sample_index = static_cast<uint64_t>(group.first_sample_index + sample)};
      request->sequences.push_back(first + sample);
      sequences_[first + sample] = std::make_unique<Sequence>(Sequence{id,
                                                                       static_cast<int64_t>(g),
                                                                       sample,
                                                                       &group,
                                                                       &request->sampling,
                                                                       PhiloxKey(seed),
                                                                       StopMatcher(request->rules, tokenizer),
                                                                       {}});
    }
  }
  requests_[id] = std::move(request);
  return id;
}

int64_t Engine::Cancel(RequestId request, std::optional<int64_t> group) {
  const auto found = requests_.find(request);
  if (found == requests_.end()) return 0;
  RequestTick tick;
  tick.version = &version_;
  const std::vector<SequenceId> unfinished = found->second->sequences;
  for (const SequenceId id : unfinished) {
    Sequence& sequence = *sequences_.at(id);
    if (group.has_value() && sequence.group != *group) continue;
    tick.tokens.push_back({sequence.group, sequence.sample, SampledToken(), sequence.stops.Cancel()});
    Remove(id);
  }
  const int64_t stopped = static_cast<int64_t>(tick.tokens.size());
  tick.done = found->second->sequences.empty();
  const RequestSink sink = found->second->sink;
  if (tick.done) requests_.erase(found);
  if (stopped > 0 || tick.done) sink(std::move(tick));
  return stopped;
}

absl::Status Engine::Step() {
  const StepPlan& plan = scheduler_.Plan();
  if (plan.sequences.empty()) return absl::OkStatus();
  std::vector<SampledToken> sampled;
  absl::Status non_finite;
  const absl::Status computed = CatchTorch("engine step", [&]() -> absl::Status {
    Pack(plan);
    const PackedTokens& tokens = packed_.ids.device() == weights_.embed.device()
                                     ? packed_
                                     : (moved_ = ToDevice(packed_, weights_.embed.device()));
    sampled = Compute(plan, tokens, view_);
    const bool finite =
        std::all_of(sampled.begin(), sampled.end(), [](const SampledToken& token) { return token.finite; });
    if (!finite) non_finite = NonFinite(tokens, view_);
    return absl::OkStatus();
  });
  scheduler_.Complete(plan);
  if (!computed.ok()) {
    EndAll(computed);
    return computed;
  }
  ++counters_.steps;
  counters_.computed_tokens += plan.tokens;
  Deliver(plan, std::move(sampled), non_finite);
  return absl::OkStatus();
}

// Into the memory of the last step, where the step is as large.
void Engine::Pack(const StepPlan& plan) {
  PackedTokens& tokens = packed_;
  if (!tokens.ids.defined() || tokens.ids.size(0) != plan.tokens) {
    tokens.ids = at::empty({plan.tokens}, at::kLong);
    tokens.positions = at::empty({plan.tokens}, at::kLong);
  }
  int64_t* id = tokens.ids.mutable_data_ptr<int64_t>();
  int64_t* token_position = tokens.positions.mutable_data_ptr<int64_t>();
  tokens.starts.assign(1, 0);
  view_.cache = &cache_;
  view_.pages.resize(plan.sequences.size());
  for (size_t entry = 0; entry < plan.sequences.size(); ++entry) {
    const PlannedSequence& planned = plan.sequences[entry];
    const Sequence& sequence = *sequences_.at(planned.id);
    for (int64_t position = planned.first; position < planned.first + planned.count; ++position) {
      *id++ = sequence.token(position);
      *token_position++ = position;
    }
    tokens.starts.push_back(tokens.starts.back() + planned.count);
    view_.pages[entry] = *planned.pages;
  }
}

std::vector<SampledToken> Engine::Compute(const StepPlan& plan, const PackedTokens& tokens, const KvView& view) {
  const at::NoGradGuard no_gradients;
  cache_.CopyPages(plan.copy_from, plan.copy_to);
  ForwardContext context;
  context.device = weights_.embed.device();
  context.workspace = &workspace_;
  if (plan.draws.empty()) {
    Forward(weights_, tokens, view, context);
    return {};
  }
  // Siblings of a prompt that was just computed draw from the same row.
  drawn_rows_.clear();
  draws_.clear();
  row_of_entry_.assign(plan.sequences.size(), -1);
  for (const PlannedDraw& draw : plan.draws) {
    int64_t& row = row_of_entry_[draw.entry];
    if (row < 0) {
      row = static_cast<int64_t>(drawn_rows_.size());
      drawn_rows_.push_back(tokens.starts[draw.entry + 1] - 1);
    }
    const Sequence& sequence = *sequences_.at(draw.id);
    draws_.push_back({row, sequence.sampling, sequence.key, sequence.length()});
  }
  return SampleTokens(LogitsOfRows(weights_, tokens, view, context, drawn_rows_), draws_, tokenizer_size_);
}

absl::Status Engine::NonFinite(const PackedTokens& tokens, const KvView& view) {
  ForwardContext context;
  context.device = weights_.embed.device();
  const std::optional<std::string> place = FindNonFinite(weights_, tokens, view, context);
  return absl::InternalError(absl::StrCat("logits are not finite; the first numbers that are not are those of ",
                                          place.value_or("the output head")));
}

void Engine::Deliver(const StepPlan& plan, std::vector<SampledToken> sampled, const absl::Status& non_finite) {
  std::map<RequestId, RequestTick> ticks;
  std::vector<RequestId> failed;
  for (size_t i = 0; i < plan.draws.size(); ++i) {
    const SequenceId id = plan.draws[i].id;
    if (sampled[i].finite) {
      Take(id, std::move(sampled[i]), ticks);
    } else {
      failed.push_back(sequences_.at(id)->request);
    }
  }
  for (auto& [id, tick] : ticks) {
    Request& request = *requests_.at(id);
    tick.version = &version_;
    tick.done = request.sequences.empty();
    const RequestSink sink = request.sink;
    if (tick.done) requests_.erase(id);
    sink(std::move(tick));
  }
  for (const RequestId id : failed) EndRequest(id, non_finite);
}

void Engine::Take(SequenceId id, SampledToken token, std::map<RequestId, RequestTick>& ticks) {
  Sequence& sequence = *sequences_.at(id);
  ++counters_.generated_tokens;
  sequence.completion.push_back(token.id);
  std::optional<Stop> stop = sequence.stops.Push(token.id);
  ticks[sequence.request].tokens.push_back({sequence.group, sequence.sample, std::move(token), stop});
  if (stop.has_value()) {
    Remove(id);
  } else {
    scheduler_.Append(id);
  }
}

void Engine::Remove(SequenceId id) {
  scheduler_.Remove(id);
  std::vector<SequenceId>& unfinished = requests_.at(sequences_.at(id)->request)->sequences;
  unfinished.erase(std::find(unfinished.begin(), unfinished.end(), id));
  sequences_.erase(id);
}

void Engine::EndRequest(RequestId request, const absl::Status& status) {
  const auto found = requests_.find(request);
  if (found == requests_.end()) return;
  const std::vector<SequenceId> unfinished = found->second->sequences;
  for (const SequenceId id : unfinished) Remove(id);
  const RequestSink sink = found->second->sink;
  requests_.erase(found);
  RequestTick tick;
  tick.version = &version_;
  tick.done = true;
  tick.status = status;
  sink(std::move(tick));
}

void Engine::EndAll(const absl::Status& status) {
  std::vector<RequestId> all;
  for (const auto& [id, request] : requests_) all.push_back(id);
  for (const RequestId id : all) EndRequest(id, status);
}

void Engine::ReplaceWeights(PolicyWeights weights, WeightVersion version) {
  PLUMB_CHECK(weights.embed.sizes() == weights_.embed.sizes()) << "new weights of another shape";
  weights_ = std::move(weights);
  version_ = std::move(version);
  scheduler_.RecomputeAll();
  std::vector<RequestId> outdated;
  for (const auto& [id, request] : requests_) {
    if (!CheckVersion(request->required).ok()) outdated.push_back(id);
  }
  for (const RequestId id : outdated) EndRequest(id, CheckVersion(requests_.at(id)->required));
}

EngineCounters Engine::counters() const {
  EngineCounters counters = counters_;
  counters.preemptions = scheduler_.preemptions();
  counters.running_sequences = scheduler_.running_sequences();
  counters.waiting_sequences = scheduler_.waiting_sequences();
  counters.free_pages = scheduler_.pages().free_pages();
  return counters;
}

}  // namespace plumb
