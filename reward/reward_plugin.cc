#include "reward/reward_plugin.h"

#include <grpcpp/client_context.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/grpc_channel.h"
#include "base/grpc_status.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "reward/reward_proto.h"

namespace plumb {
namespace {

constexpr size_t kMaxParallelCalls = 16;  // where the plug-in names no limit
constexpr size_t kMaxBatchBytes = kMaxMessageBytes / 4;
constexpr double kDefaultTimeoutSeconds = 30;
constexpr double kDefaultOutageSeconds = 60;
constexpr int kDefaultMaxAttempts = 3;
constexpr int kDefaultBatchItems = 256;
// gRPC itself waits a second before it connects again; a plug-in that was restarted gets this long to be found.
constexpr absl::Duration kReconnectWait = absl::Seconds(2);

// The plug-in says no to the request itself, so asking again is useless.
bool IsRefusal(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kOutOfRange:
      return true;
    default:
      return false;
  }
}

size_t ItemBytes(const RewardItem& item) {
  size_t bytes = item.id.size() + item.prompt.size() + item.completion.size() + item.row_json.size();
  for (const auto& [role, content] : item.messages) bytes += role.size() + content.size();
  return bytes + 5 * item.completion_ids.size();
}

}  // namespace

absl::Duration RetryPause(int attempt, double jitter) {
  const absl::Duration whole = absl::Milliseconds(250) * std::exp2(std::min(attempt - 1, 10));
  return std::min(whole, absl::Seconds(10)) * (0.5 + jitter);
}

std::vector<std::vector<size_t>> SplitIntoBatches(absl::Span<const RewardItem> items, absl::Span<const size_t> indices,
                                                  size_t max_items, size_t max_bytes) {
  std::vector<std::vector<size_t>> batches;
  size_t bytes = 0;
  for (const size_t index : indices) {
    const size_t item_bytes = ItemBytes(items[index]);
    if (batches.empty() || batches.back().size() >= max_items || bytes + item_bytes > max_bytes) {
      batches.emplace_back();
      bytes = 0;
    }
    batches.back().push_back(index);
    bytes += item_bytes;
  }
  return batches;
}

// The items of one call and what came of it.
struct RewardPlugin::Batch {
  std::vector<size_t> indices;
  absl::Status status;  // of the call, or kInternal with breaks_contract
  bool breaks_contract = false;
  std::vector<RewardResult> results;  // in the order of `indices` where the status is OK
};

RewardPlugin::RewardPlugin(const proto::PluginConfig& plugin, const proto::RewardClientConfig& config)
    : name_(plugin.name()),
      address_(plugin.address()),
      weight_(plugin.has_weight() ? plugin.weight() : 1.0),
      timeout_(absl::Seconds(config.has_timeout_seconds() ? config.timeout_seconds() : kDefaultTimeoutSeconds)),
      max_attempts_(config.has_max_attempts() ? config.max_attempts() : kDefaultMaxAttempts),
      outage_(absl::Seconds(plugin.has_outage_seconds() ? plugin.outage_seconds() : kDefaultOutageSeconds)),
      batch_items_(config.has_batch_items() ? config.batch_items() : kDefaultBatchItems),
      parallel_calls_(kMaxParallelCalls),
      channel_(MakeChannel(plugin.address())),
      stub_(proto::RewardService::NewStub(channel_)),
      random_(std::random_device()()) {}

std::string RewardPlugin::Who() const { return absl::StrCat("reward plug-in '", name_, "' at ", address_); }

absl::StatusOr<std::unique_ptr<RewardPlugin>> RewardPlugin::Connect(const proto::PluginConfig& plugin,
                                                                    const proto::RewardClientConfig& config) {
  std::unique_ptr<RewardPlugin> connected(new RewardPlugin(plugin, config));
  const absl::Time deadline = absl::Now() + connected->timeout_;
  RETURN_IF_ERROR(WaitConnected(*connected->channel_, connected->Who(), deadline));
  RETURN_IF_ERROR(Annotate(connected->ReadInfo(deadline), connected->Who()));
  return connected;
}

absl::Status RewardPlugin::ReadInfo(absl::Time deadline) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(deadline));
  proto::RewardInfoRequest request;
  request.set_api_version(kRewardApiVersion);
  proto::RewardInfo info;
  RETURN_IF_ERROR(Annotate(FromGrpcStatus(stub_->GetInfo(&context, request, &info)), "GetInfo"));
  if (info.api_version() != kRewardApiVersion) {
    return absl::FailedPreconditionError(
        absl::StrCat("has api_version ", info.api_version(), ", expected ", kRewardApiVersion));
  }
  if (info.max_batch_items() > 0) batch_items_ = std::min<size_t>(batch_items_, info.max_batch_items());
  if (info.max_concurrent_calls() > 0) parallel_calls_ = std::min<size_t>(parallel_calls_, info.max_concurrent_calls());
  return absl::OkStatus();
}

// What one attempt at all pending items came to.
struct RewardPlugin::Round {
  std::vector<size_t> pending;  // items to ask again
  bool answered = false;        // at least one call was answered well
  bool all_unavailable = true;  // every call failed with kUnavailable
  absl::Status contract;        // an answer that broke the contract
  absl::Status error;           // a call that failed
  absl::Status refusal;

  void Add(const Batch& batch, std::vector<RewardResult>& results) {
    answered = answered || batch.status.ok();
    all_unavailable = all_unavailable && batch.status.code() == absl::StatusCode::kUnavailable;
    if (batch.breaks_contract) contract = batch.status;
    if (!batch.status.ok()) error = batch.status;
    if (!batch.breaks_contract && IsRefusal(batch.status.code())) refusal = batch.status;
    for (size_t i = 0; i < batch.indices.size(); ++i) {
      RewardResult& result = results[batch.indices[i]];
      result = batch.status.ok()
                   ? batch.results[i]
                   : RewardResult{.outcome = RewardOutcome::kFailed, .message = std::string(batch.status.message())};
      if (result.outcome == RewardOutcome::kFailed) pending.push_back(batch.indices[i]);
    }
  }
};

absl::StatusOr<std::vector<RewardResult>> RewardPlugin::Score(absl::Span<const RewardItem> items, absl::Time deadline,
                                                              PluginCounts& counts) {
  std::vector<RewardResult> results(items.size());
  Round round;
  round.pending.resize(items.size());
  std::iota(round.pending.begin(), round.pending.end(), size_t{0});
  bool answered = items.empty();
  bool always_broken = true;
  absl::Time outage_end = absl::InfinitePast();  // a plug-in that cannot be reached is asked until then
  for (int attempt = 1; !round.pending.empty() && (attempt <= max_attempts_ || absl::Now() < outage_end); ++attempt) {
    if (attempt > 1) PauseBeforeRetry(attempt - 1, round, deadline);
    if (absl::Now() >= deadline) {
      if (attempt == 1) return absl::DeadlineExceededError(absl::StrCat(Who(), ": no time left to ask it"));
      break;
    }
    if (attempt > 1) counts.retried_items += static_cast<int64_t>(round.pending.size());
    std::vector<Batch> batches;
    for (auto& indices : SplitIntoBatches(items, round.pending, batch_items_, kMaxBatchBytes)) {
      batches.push_back({.indices = std::move(indices)});
    }
    CallBatches(items, deadline, batches);
    counts.calls += static_cast<int64_t>(batches.size());
    round = Round();
    for (const Batch& batch : batches) round.Add(batch, results);
    if (!round.refusal.ok()) return Annotate(round.refusal, Who());
    if (!round.all_unavailable) {
      outage_end = absl::InfinitePast();
    } else if (outage_end == absl::InfinitePast()) {
      outage_end = absl::Now() + outage_;
    }
    answered = answered || round.answered;
    always_broken = always_broken && !round.contract.ok();
  }
  if (round.pending.empty()) return results;
  if (always_broken) return Annotate(round.contract, absl::StrCat(Who(), " breaks the contract on every attempt"));
  if (!answered || round.all_unavailable) {
    return absl::UnavailableError(absl::StrCat(Who(), " does not answer: ", round.error.message()));
  }
  return results;
}

void RewardPlugin::PauseBeforeRetry(int attempt, const Round& round, absl::Time deadline) {
  LogWarning("reward", Who(), ": ", round.pending.size(), " items have no result after attempt ", attempt,
             ", asking again: ", round.error.ok() ? "the plug-in failed on them" : round.error.message());
  const double jitter = std::uniform_real_distribution<double>(0, 1)(random_);
  absl::SleepFor(std::min(RetryPause(attempt, jitter), deadline - absl::Now()));
  channel_->WaitForConnected(absl::ToChronoTime(std::min(deadline, absl::Now() + kReconnectWait)));
}

void RewardPlugin::CallBatches(absl::Span<const RewardItem> items, absl::Time deadline, std::vector<Batch>& batches) {
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next++; i < batches.size(); i = next++) CallBatch(items, deadline, batches[i]);
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min(parallel_calls_, batches.size()); ++i) threads.emplace_back(work);
  work();
  for (std::thread& thread : threads) thread.join();
}

void RewardPlugin::CallBatch(absl::Span<const RewardItem> items, absl::Time deadline, Batch& batch) {
  const proto::ScoreRequest request = RequestFor(items, batch.indices);
  proto::ScoreResponse response;
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(std::min(deadline, absl::Now() + timeout_)));
  batch.status = FromGrpcStatus(stub_->Score(&context, request, &response));
  if (!batch.status.ok()) return;
  absl::StatusOr<std::vector<RewardResult>> results = ResultsFromResponse(request, response);
  batch.breaks_contract = !results.ok();
  batch.status = results.status();
  if (results.ok()) batch.results = *std::move(results);
}

}  // namespace plumb
