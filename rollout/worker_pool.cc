#include "rollout/worker_pool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <numeric>
#include <set>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "policy/kernels/cpu/isa.h"
#include "rollout/weight_update.h"
#include "rollout/wire.h"

namespace plumb {
namespace {

// The weights of one update in a file of shared memory, removed with the object.
class SharedMemoryFile {
 public:
  static absl::StatusOr<std::unique_ptr<SharedMemoryFile>> Write(const PolicyWeights& weights, uint64_t step) {
    std::unique_ptr<SharedMemoryFile> file(
        new SharedMemoryFile(absl::StrCat(kSharedMemoryPrefix, ::getpid(), "-", step)));
    // An earlier process with our number may have left one; a link that somebody else put there is not followed.
    ::unlink(file->path_.c_str());
    const int descriptor = ::open(file->path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    std::FILE* stream = descriptor < 0 ? nullptr : ::fdopen(descriptor, "w");
    if (stream == nullptr) return absl::ErrnoToStatus(errno, absl::StrCat("cannot create ", file->path_));
    bool written = true;
    for (const PublishedTensor& tensor : PublishedTensors(weights)) {
      at::Tensor copy;
      const absl::string_view content = TensorContent(tensor.view, copy);
      written = written && std::fwrite(content.data(), 1, content.size(), stream) == content.size();
    }
    if (std::fclose(stream) != 0 || !written) {
      return absl::ResourceExhaustedError(absl::StrCat("cannot write ", file->path_));
    }
    return file;
  }
  ~SharedMemoryFile() { ::unlink(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  explicit SharedMemoryFile(std::string path) : path_(std::move(path)) {}
  const std::string path_;
};

constexpr absl::Duration kHalfTenth = absl::Milliseconds(50);
constexpr char kForeignWeights[] = "another trainer publishes to this worker, or it was started again";

bool IsLoss(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsCancelled(status) || absl::IsUnknown(status);
}

// Says of an error of Generate() what gRPC or the worker cannot know.
absl::Status Explain(const absl::Status& status, absl::Duration limit) {
  if (absl::IsFailedPrecondition(status)) {
    return absl::FailedPreconditionError(absl::StrCat(status.message(), ": ", kForeignWeights));
  }
  if (absl::IsDeadlineExceeded(status)) {
    return absl::DeadlineExceededError(
        absl::StrCat(status.message(), ": the limit was ",
                     absl::FormatDuration(absl::Trunc(limit + kHalfTenth, 2 * kHalfTenth)), " for all completions"));
  }
  return status;
}

}  // namespace

// What the threads of one Generate() share.
struct WorkerPool::Call {
  absl::Span<const GroupRequest> requests;
  const SamplingOptions* sampling = nullptr;
  absl::Time deadline;
  absl::Duration limit;  // until the deadline, at the start
  Mutex mutex;
  GroupCollector collector GUARDED_BY(mutex);
  absl::Status failure GUARDED_BY(mutex);  // of a worker that is not lost: the other workers need not go on
};

std::vector<std::vector<int64_t>> ShareOut(const std::vector<int64_t>& weights, int64_t num_workers) {
  std::vector<int64_t> order(weights.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return weights[a] > weights[b]; });
  std::vector<std::vector<int64_t>> shares(num_workers);
  std::vector<int64_t> loads(num_workers, 0);
  for (const int64_t group : order) {
    const int64_t lightest = std::min_element(loads.begin(), loads.end()) - loads.begin();
    shares[lightest].push_back(group);
    loads[lightest] += weights[group];
  }
  for (std::vector<int64_t>& share : shares) std::sort(share.begin(), share.end());
  return shares;
}

std::string WhyBitsDiffer(const proto::RolloutInfo& worker, const PolicyWeights& weights) {
  const at::Tensor& sample = weights.embed;
  const std::string dtype = sample.scalar_type() == at::kFloat ? "float32" : "bfloat16";
  const std::string isa = sample.is_cpu() ? cpu::IsaName(cpu::ActiveIsa()) : "";
  const std::string device = at::DeviceTypeName(sample.device().type(), /*lower_case=*/true);
  const std::string worker_device = worker.device().substr(0, worker.device().find(':'));
  std::vector<std::string> reasons;
  const auto compare = [&](const std::string& there, const std::string& here) {
    if (!there.empty() && !here.empty() && there != here) reasons.push_back(absl::StrCat(there, ", not ", here));
  };
  compare(worker_device, device);
  compare(worker.dtype(), dtype);
  compare(worker.isa(), isa);
  return absl::StrJoin(reasons, "; ");
}

WorkerPool::WorkerPool(std::vector<std::unique_ptr<WorkerClient>> workers, GenerationProgress progress,
                       absl::Duration publish_timeout)
    : progress_(std::move(progress)), publish_timeout_(publish_timeout) {
  for (std::unique_ptr<WorkerClient>& client : workers) workers_.push_back({std::move(client), absl::OkStatus()});
}

std::vector<WorkerPool::Worker*> WorkerPool::AliveWorkers() {
  std::vector<Worker*> alive;
  for (Worker& worker : workers_) {
    if (worker.lost.ok()) alive.push_back(&worker);
  }
  return alive;
}

absl::Status WorkerPool::LostError() const {
  std::vector<std::string> reasons;
  for (const Worker& worker : workers_) reasons.push_back(std::string(worker.lost.message()));
  return absl::UnavailableError(absl::StrCat("no rollout worker is left: ", absl::StrJoin(reasons, "; ")));
}

absl::StatusOr<std::vector<RolloutGroup>> WorkerPool::Generate(absl::Span<const GroupRequest> requests,
                                                               const SamplingOptions& sampling, absl::Time deadline) {
  Call call{requests, &sampling, deadline, deadline - absl::Now(), {}, GroupCollector(requests), absl::OkStatus()};
  std::vector<int64_t> missing(requests.size());
  std::iota(missing.begin(), missing.end(), 0);
  // Every round but the last loses a worker.
  while (!missing.empty()) {
    RETURN_IF_ERROR(RunRound(missing, call));
    MutexLock lock(&call.mutex);
    std::vector<int64_t> left;
    for (const int64_t group : missing) {
      if (call.collector.IsGroupFinished(group)) continue;
      call.collector.Reset(group);
      left.push_back(group);
    }
    missing = std::move(left);
  }
  MutexLock lock(&call.mutex);
  return call.collector.Take();
}

absl::Status WorkerPool::RunRound(const std::vector<int64_t>& groups, Call& call) {
  const std::vector<Worker*> alive = AliveWorkers();
  if (alive.empty()) return LostError();
  std::vector<int64_t> weights;
  for (const int64_t group : groups) {
    const GroupRequest& request = call.requests[group];
    weights.push_back(static_cast<int64_t>(request.prompt_ids.size()) +
                      request.group_size * call.sampling->max_new_tokens);
  }
  const std::vector<std::vector<int64_t>> shares = ShareOut(weights, static_cast<int64_t>(alive.size()));
  std::vector<absl::Status> results(alive.size());
  std::vector<std::thread> threads;
  for (size_t w = 0; w < alive.size(); ++w) {
    std::vector<int64_t> own;
    for (const int64_t index : shares[w]) own.push_back(groups[index]);
    if (own.empty()) continue;
    threads.emplace_back([this, &call, &results, &alive, own = std::move(own), w] {
      results[w] = GenerateOn(*alive[w], own, call);
      if (results[w].ok() || IsLoss(results[w])) return;
      {
        MutexLock lock(&call.mutex);
        if (call.failure.ok()) call.failure = results[w];
      }
      for (Worker* other : alive) other->client->CancelGenerate();
    });
  }
  for (std::thread& thread : threads) thread.join();
  {
    MutexLock lock(&call.mutex);
    RETURN_IF_ERROR(call.failure);
  }
  for (size_t w = 0; w < alive.size(); ++w) RETURN_IF_ERROR(LoseOrFail(*alive[w], results[w]));
  return absl::OkStatus();
}

absl::Status WorkerPool::LoseOrFail(Worker& worker, const absl::Status& status) {
  if (status.ok() || !IsLoss(status)) return status;
  worker.lost = status;
  LogWarning("rollout", "lost a worker: ", status.message());
  return AliveWorkers().empty() ? LostError() : absl::OkStatus();
}

absl::Status WorkerPool::GenerateOn(Worker& worker, const std::vector<int64_t>& groups, Call& call) {
  std::vector<GroupRequest> own;
  for (const int64_t group : groups) own.push_back(call.requests[group]);
  proto::GenerateRequest request = ToProto(own, *call.sampling);
  request.set_request_id(absl::StrCat(::getpid(), "-", absl::ToUnixNanos(absl::Now()), "-", groups.front()));
  if (published_.has_value()) *request.mutable_required_version() = ToProto(*published_);
  const absl::Status status = worker.client->Generate(
      request, [&](const proto::GenerateTick& tick) { return Take(tick, groups, call); }, call.deadline);
  RETURN_IF_ERROR(Explain(status, call.limit));
  MutexLock lock(&call.mutex);
  for (const int64_t group : groups) {
    if (!call.collector.IsGroupFinished(group)) {
      return absl::InternalError(
          absl::StrCat(worker.client->name(), ": ended without finishing group '", call.requests[group].group_id, "'"));
    }
  }
  return absl::OkStatus();
}

// Tokens of other weights would be trained on as if the published ones had sampled them.
absl::Status WorkerPool::CheckVersion(const proto::WeightVersion& found) const {
  if (!published_.has_value() || FromProto(found) == *published_) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("answered with weights of ", plumb::Describe(FromProto(found)),
                                                    ", expected ", plumb::Describe(*published_)));
}

absl::Status WorkerPool::Take(const proto::GenerateTick& tick, const std::vector<int64_t>& groups, Call& call) {
  MutexLock lock(&call.mutex);
  RETURN_IF_ERROR(call.failure);
  RETURN_IF_ERROR(CheckVersion(tick.weight_version()));
  for (const proto::SequenceDelta& delta : tick.deltas()) {
    const int64_t sample = delta.sample_index();
    if (delta.group_index() >= groups.size() || !call.collector.IsKnown(groups[delta.group_index()], sample) ||
        delta.logprobs_size() != delta.ids_size() || delta.sampling_logprobs_size() != delta.ids_size()) {
      return absl::InternalError("answered with tokens that do not fit the request");
    }
    const int64_t group = groups[delta.group_index()];
    for (int i = 0; i < delta.ids_size(); ++i) {
      call.collector.AddToken(group, sample, delta.ids(i), delta.logprobs(i), delta.sampling_logprobs(i),
                              tick.weight_version().step());
    }
    for (const proto::KeptSet& kept : delta.kept_sets()) {
      call.collector.AddKeptSet(group, sample, std::vector<int64_t>(kept.ids().begin(), kept.ids().end()));
    }
    if (!delta.has_finish()) continue;
    const Stop stop = FromProto(delta.finish());
    if (stop.reason == FinishReason::kCancelled) {
      return absl::AbortedError(
          absl::StrCat("group '", call.requests[group].group_id, "' was cancelled by another client"));
    }
    call.collector.Finish(group, sample, stop);
  }
  if (progress_) {
    progress_(call.collector.num_finished(), call.collector.num_wanted(), call.collector.num_tokens());
  }
  return absl::OkStatus();
}

void WorkerPool::WarnOfOtherBits(const PolicyWeights& weights) const {
  for (const Worker& worker : workers_) {
    const std::string why = WhyBitsDiffer(worker.client->info(), weights);
    if (why.empty()) continue;
    LogWarning("rollout", worker.client->name(), " computes with ", why,
               " as the trainer does: its log-probabilities are not the trainer's to the bit (logprob_diff/max)");
  }
}

absl::Status WorkerPool::PublishWeights(const PolicyWeights& weights, const std::string& incarnation, uint64_t step) {
  if (!published_.has_value()) WarnOfOtherBits(weights);
  const WeightVersion version = {incarnation, step, WeightDigest(weights)};
  bool any_local = false;
  for (const Worker* worker : AliveWorkers()) any_local = any_local || worker->client->is_local();
  std::unique_ptr<SharedMemoryFile> file;
  if (any_local) {
    absl::StatusOr<std::unique_ptr<SharedMemoryFile>> written = SharedMemoryFile::Write(weights, step);
    // Without shared memory, say in a small container, chunks do as well.
    if (written.ok()) {
      file = *std::move(written);
    } else {
      LogWarning("rollout", "weights go over gRPC: ", written.status().message());
    }
  }
  RETURN_IF_ERROR(SendToAll(weights, version, file == nullptr ? "" : file->path()));
  published_ = version;
  return absl::OkStatus();
}

absl::Status WorkerPool::SendToAll(const PolicyWeights& weights, const WeightVersion& version,
                                   const std::string& shared_memory_path) {
  const std::vector<Worker*> alive = AliveWorkers();
  if (alive.empty()) return LostError();
  const absl::Time deadline = absl::Now() + publish_timeout_;
  std::vector<absl::Status> results(alive.size());
  std::vector<std::thread> threads;
  for (size_t w = 0; w < alive.size(); ++w) {
    threads.emplace_back(
        [&, w] { results[w] = alive[w]->client->SendWeights(weights, version, shared_memory_path, deadline); });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t w = 0; w < alive.size(); ++w) {
    if (absl::IsDeadlineExceeded(results[w])) {
      return absl::DeadlineExceededError(absl::StrCat(alive[w]->client->name(), ": did not take new weights within ",
                                                      absl::FormatDuration(publish_timeout_),
                                                      " (rollout.publish_timeout_seconds)"));
    }
    RETURN_IF_ERROR(LoseOrFail(*alive[w], results[w]));
  }
  return absl::OkStatus();
}

std::string WorkerPool::Describe() const {
  std::vector<std::string> names;
  for (const Worker& worker : workers_) names.push_back(worker.client->name());
  return absl::StrCat(workers_.size(), workers_.size() == 1 ? " worker: " : " workers: ", absl::StrJoin(names, ", "));
}

namespace {

// Two entries for one worker would end each other's updates.
absl::Status CheckDifferent(const std::vector<std::unique_ptr<WorkerClient>>& clients) {
  std::map<std::string, size_t> seen;
  for (size_t i = 0; i < clients.size(); ++i) {
    const auto [other, inserted] = seen.try_emplace(clients[i]->control_address(), i);
    if (inserted) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "rollout.workers[", i, "]: ", clients[i]->name(), " and ", clients[other->second]->name(),
        " have one control address, ", other->first, ": they are the same worker, or one of the addresses is wrong"));
  }
  return absl::OkStatus();
}

absl::Status CheckNoneTwice(const std::vector<proto::WorkerAddress>& workers) {
  std::set<std::string> seen;
  for (const proto::WorkerAddress& worker : workers) {
    if (!seen.insert(worker.address()).second) {
      return absl::InvalidArgumentError(absl::StrCat("rollout.workers: ", worker.address(), " is listed twice"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Generator>> ConnectWorkers(const std::vector<proto::WorkerAddress>& workers,
                                                          absl::Duration connect_timeout, GenerationProgress progress,
                                                          absl::Duration publish_timeout) {
  if (workers.empty()) return absl::InvalidArgumentError("rollout.workers: is empty");
  RETURN_IF_ERROR(CheckNoneTwice(workers));
  const absl::Time deadline = absl::Now() + connect_timeout;
  std::vector<std::unique_ptr<WorkerClient>> clients;
  for (const proto::WorkerAddress& worker : workers) {
    ASSIGN_OR_RETURN(std::unique_ptr<WorkerClient> client, WorkerClient::Connect(worker, deadline));
    clients.push_back(std::move(client));
  }
  RETURN_IF_ERROR(CheckDifferent(clients));
  return std::unique_ptr<Generator>(
      std::make_unique<WorkerPool>(std::move(clients), std::move(progress), publish_timeout));
}

}  // namespace plumb
