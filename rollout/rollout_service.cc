#include "rollout/rollout_service.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/grpc_guard.h"
#include "base/status_macros.h"
#include "rollout/generate_stream.h"
#include "rollout/wire.h"

namespace plumb {
namespace {

constexpr absl::Duration kEngineAnswer = absl::Seconds(30);

std::optional<WeightVersion> RequiredVersion(const proto::GenerateRequest& request) {
  if (!request.has_required_version()) return std::nullopt;
  return FromProto(request.required_version());
}

}  // namespace

int64_t RolloutServiceImpl::num_open() const {
  MutexLock lock(&mutex_);
  return static_cast<int64_t>(open_.size());
}

grpc::ServerWriteReactor<proto::GenerateTick>* RolloutServiceImpl::Generate(grpc::CallbackServerContext* /*context*/,
                                                                            const proto::GenerateRequest* request) {
  const std::string request_id = request->request_id();
  const uint64_t call = next_call_++;
  auto stream = std::make_shared<GenerateStream>([this, request_id, call] { CancelCall(request_id, call); });
  stream->Start();
  const absl::Status accepted = GuardGrpcEntry("Generate", [&] { return Accept(*request, call, stream); });
  if (!accepted.ok()) stream->Close(accepted);
  return stream.get();
}

absl::Status RolloutServiceImpl::Accept(const proto::GenerateRequest& request, uint64_t call,
                                        const std::shared_ptr<GenerateStream>& stream) {
  if (refusing_) return absl::UnavailableError("the worker is stopping");
  ASSIGN_OR_RETURN(std::vector<GroupRequest> groups, GroupsFromProto(request));
  ASSIGN_OR_RETURN(const SamplingOptions sampling, SamplingFromProto(request.sampling()));
  const std::string request_id = request.request_id();
  RETURN_IF_ERROR(Register(request_id, call, groups));
  const auto sink = [this, stream, request_id](RequestTick tick) {
    if (!tick.tokens.empty()) stream->Write(ToProto(tick));
    if (!tick.done) return;
    Forget(request_id);
    stream->Close(tick.status);
  };
  const absl::Status posted =
      loop_->Post([this, request, groups = std::move(groups), sampling, sink, stream](Engine& engine) {
        absl::Status status;
        {
          MutexLock lock(&mutex_);
          Open& open = open_[request.request_id()];
          if (open.cancelled) status = absl::CancelledError("cancelled");
          if (status.ok()) {
            const absl::StatusOr<RequestId> id = engine.Submit(groups, sampling, sink, RequiredVersion(request));
            status = id.status();
            if (id.ok()) open.engine_id = *id;
          }
        }
        if (status.ok()) return;
        Forget(request.request_id());
        stream->Close(status);
      });
  if (!posted.ok()) Forget(request_id);
  return posted;
}

absl::Status RolloutServiceImpl::Register(const std::string& request_id, uint64_t call,
                                          const std::vector<GroupRequest>& groups) {
  MutexLock lock(&mutex_);
  const auto [open, inserted] = open_.try_emplace(request_id);
  if (!inserted) {
    return absl::InvalidArgumentError(absl::StrCat("request_id: '", request_id, "' is already running"));
  }
  open->second.call = call;
  for (const GroupRequest& group : groups) open->second.group_ids.push_back(group.group_id);
  return absl::OkStatus();
}

void RolloutServiceImpl::Forget(const std::string& request_id) {
  MutexLock lock(&mutex_);
  open_.erase(request_id);
}

void RolloutServiceImpl::CancelCall(const std::string& request_id, uint64_t call) {
  {
    MutexLock lock(&mutex_);
    const auto found = open_.find(request_id);
    if (found == open_.end() || found->second.call != call) return;
    found->second.cancelled = true;
  }
  // A loop that does not take it is stopping, and drops the request with everything else.
  (void)loop_->PostAlways([this, request_id, call](Engine& engine) {
    if (const RequestId id = FindInEngine(request_id, call); id != 0) engine.Cancel(id);
  });
}

// 0 for a request that is not with the engine.
RequestId RolloutServiceImpl::FindInEngine(const std::string& request_id, std::optional<uint64_t> call) const {
  MutexLock lock(&mutex_);
  const auto found = open_.find(request_id);
  if (found == open_.end() || (call.has_value() && found->second.call != *call)) return 0;
  return found->second.engine_id;
}

grpc::ServerUnaryReactor* RolloutServiceImpl::Cancel(grpc::CallbackServerContext* context,
                                                     const proto::CancelRequest* request,
                                                     proto::CancelResponse* response) {
  return AnswerUnary(context, "Cancel", [&]() -> absl::Status {
    std::optional<int64_t> group;
    if (!request->group_id().empty()) {
      MutexLock lock(&mutex_);
      const auto found = open_.find(request->request_id());
      if (found == open_.end()) return absl::OkStatus();
      const std::vector<std::string>& ids = found->second.group_ids;
      const auto at = std::find(ids.begin(), ids.end(), request->group_id());
      if (at == ids.end()) {
        return absl::InvalidArgumentError(absl::StrCat("group_id: the request has no '", request->group_id(), "'"));
      }
      group = at - ids.begin();
    }
    auto stopped = std::make_shared<int64_t>(0);
    const std::string request_id = request->request_id();
    RETURN_IF_ERROR(loop_->Run(
        [this, request_id, group, stopped](Engine& engine) {
          if (const RequestId id = FindInEngine(request_id, std::nullopt); id != 0) *stopped = engine.Cancel(id, group);
          return absl::OkStatus();
        },
        absl::Now() + kEngineAnswer));
    response->set_cancelled_sequences(static_cast<uint32_t>(*stopped));
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* RolloutServiceImpl::GetInfo(grpc::CallbackServerContext* context,
                                                      const proto::RolloutInfoRequest* /*request*/,
                                                      proto::RolloutInfo* response) {
  return AnswerUnary(context, "GetInfo", [&]() -> absl::Status {
    *response = info_;
    *response->mutable_weight_version() = ToProto(loop_->state().version);
    return absl::OkStatus();
  });
}

}  // namespace plumb
