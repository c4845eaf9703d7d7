#include "rollout/control_service.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/grpc_guard.h"
#include "base/grpc_status.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "policy/policy_folder.h"
#include "rollout/wire.h"

namespace plumb {
namespace {

// For clients that set no deadline. A step of a large model may take a while before the engine looks at its commands.
constexpr absl::Duration kEngineAnswer = absl::Seconds(120);

absl::Time EngineDeadline(const grpc::CallbackServerContext& context) {
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::Now() + kEngineAnswer;
  return absl::FromChrono(deadline);
}

absl::Status NotInProgress(uint64_t update_id) {
  return absl::FailedPreconditionError(
      absl::StrCat("update ", update_id,
                   " is not in progress: it was committed, or a later BeginWeights replaced it "
                   "(another trainer publishes to this worker)"));
}

// Reads the chunks of one SendWeights call into the update. Deletes itself when gRPC is done with it.
class ChunkReader : public grpc::ServerReadReactor<proto::WeightChunk> {
 public:
  ChunkReader(RolloutControlImpl* service, proto::SendWeightsResponse* response)
      : service_(service), response_(response) {
    StartRead(&chunk_);
  }

  void OnReadDone(bool ok) override {
    if (finished_) return;
    if (!ok) return End(absl::OkStatus());
    const absl::Status written = GuardGrpcEntry("SendWeights", [&] { return service_->Write(chunk_); });
    if (!written.ok()) return End(written);
    StartRead(&chunk_);
  }
  void OnDone() override { delete this; }

 private:
  void End(const absl::Status& status) {
    finished_ = true;
    response_->set_received_bytes(service_->received_bytes());
    Finish(ToGrpcStatus(status));
  }

  RolloutControlImpl* const service_;
  proto::SendWeightsResponse* const response_;
  proto::WeightChunk chunk_;
  bool finished_ = false;
};

// Whether weights of one architecture fit where the other's were, tensor by tensor.
bool SameShapes(const ModelConfig& left, const ModelConfig& right) {
  const PolicyWeights a = AllocateWeights(left, at::kFloat, at::kMeta);
  const PolicyWeights b = AllocateWeights(right, at::kFloat, at::kMeta);
  const std::vector<PublishedTensor> tensors = PublishedTensors(a);
  const std::vector<PublishedTensor> others = PublishedTensors(b);
  return std::equal(tensors.begin(), tensors.end(), others.begin(), others.end(),
                    [](const PublishedTensor& one, const PublishedTensor& other) {
                      return one.name == other.name && one.view.sizes() == other.view.sizes();
                    });
}

proto::HealthReport::State StateOf(const EngineState& state) {
  if (!state.failure.ok()) return proto::HealthReport::STATE_FAILED;
  if (state.updating) return proto::HealthReport::STATE_UPDATING;
  if (state.paused) return proto::HealthReport::STATE_PAUSED;
  return proto::HealthReport::STATE_SERVING;
}

}  // namespace

grpc::ServerUnaryReactor* RolloutControlImpl::BeginWeights(grpc::CallbackServerContext* context,
                                                           const proto::BeginWeightsRequest* request,
                                                           proto::BeginWeightsResponse* response) {
  return AnswerUnary(context, "BeginWeights", [&]() -> absl::Status {
    ASSIGN_OR_RETURN(std::unique_ptr<WeightUpdate> update, WeightUpdate::Begin(*request, form_));
    MutexLock lock(&mutex_);
    update_ = std::move(update);
    response->set_update_id(++update_id_);
    loop_->SetUpdating(true);
    return absl::OkStatus();
  });
}

grpc::ServerReadReactor<proto::WeightChunk>* RolloutControlImpl::SendWeights(grpc::CallbackServerContext* /*context*/,
                                                                             proto::SendWeightsResponse* response) {
  return new ChunkReader(this, response);
}

absl::Status RolloutControlImpl::Write(const proto::WeightChunk& chunk) {
  MutexLock lock(&mutex_);
  if (update_ == nullptr || chunk.update_id() != update_id_) {
    return NotInProgress(chunk.update_id());
  }
  return update_->Write(chunk);
}

uint64_t RolloutControlImpl::received_bytes() const {
  MutexLock lock(&mutex_);
  return update_ == nullptr ? 0 : update_->received_bytes();
}

absl::StatusOr<std::unique_ptr<WeightUpdate>> RolloutControlImpl::TakeUpdate(uint64_t update_id) {
  MutexLock lock(&mutex_);
  if (update_ == nullptr || update_id != update_id_) {
    return NotInProgress(update_id);
  }
  loop_->SetUpdating(false);
  return std::move(update_);
}

grpc::ServerUnaryReactor* RolloutControlImpl::CommitWeights(grpc::CallbackServerContext* context,
                                                            const proto::CommitWeightsRequest* request,
                                                            proto::CommitWeightsResponse* response) {
  return AnswerUnary(context, "CommitWeights", [&]() -> absl::Status {
    ASSIGN_OR_RETURN(const std::unique_ptr<WeightUpdate> update, TakeUpdate(request->update_id()));
    ASSIGN_OR_RETURN(PolicyWeights weights, update->Finish());
    return Serve(std::move(weights), update->version(), EngineDeadline(*context), *response);
  });
}

grpc::ServerUnaryReactor* RolloutControlImpl::LoadWeights(grpc::CallbackServerContext* context,
                                                          const proto::LoadWeightsRequest* request,
                                                          proto::CommitWeightsResponse* response) {
  return AnswerUnary(context, "LoadWeights", [&]() -> absl::Status {
    ASSIGN_OR_RETURN(PolicyWeights weights, LoadPolicyFolder(request->folder(), form_.dtype, form_.device));
    if (!SameShapes(weights.config, form_.config)) {
      return absl::InvalidArgumentError(absl::StrCat(request->folder(), ": is of another architecture"));
    }
    WeightVersion version = FromProto(request->version());
    const uint64_t digest = WeightDigest(weights);
    if (version.digest != 0 && version.digest != digest) {
      return absl::DataLossError(
          absl::StrCat(request->folder(), ": has digest ", digest, ", expected ", version.digest));
    }
    version.digest = digest;
    return Serve(std::move(weights), version, EngineDeadline(*context), *response);
  });
}

absl::Status RolloutControlImpl::Serve(PolicyWeights weights, const WeightVersion& version, absl::Time deadline,
                                       proto::CommitWeightsResponse& response) {
  *response.mutable_version() = ToProto(version);
  auto shared = std::make_shared<PolicyWeights>(std::move(weights));
  return loop_->Run(
      [shared, version](Engine& engine) {
        engine.ReplaceWeights(std::move(*shared), version);
        return absl::OkStatus();
      },
      deadline);
}

grpc::ServerUnaryReactor* RolloutControlImpl::Pause(grpc::CallbackServerContext* context,
                                                    const proto::PauseRequest* /*request*/,
                                                    proto::PauseResponse* /*response*/) {
  return AnswerUnary(context, "Pause", [&]() -> absl::Status {
    loop_->SetPaused(true);
    // Returns once the step in progress is over.
    return loop_->Run([](Engine&) { return absl::OkStatus(); }, EngineDeadline(*context));
  });
}

grpc::ServerUnaryReactor* RolloutControlImpl::Resume(grpc::CallbackServerContext* context,
                                                     const proto::ResumeRequest* /*request*/,
                                                     proto::ResumeResponse* /*response*/) {
  return AnswerUnary(context, "Resume", [&]() -> absl::Status {
    loop_->SetPaused(false);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* RolloutControlImpl::GetHealth(grpc::CallbackServerContext* context,
                                                        const proto::HealthRequest* /*request*/,
                                                        proto::HealthReport* response) {
  return AnswerUnary(context, "GetHealth", [&]() -> absl::Status {
    const EngineState state = loop_->state();
    response->set_state(StateOf(state));
    response->set_message(std::string(state.failure.message()));
    *response->mutable_weight_version() = ToProto(state.version);
    response->set_running_sequences(static_cast<uint32_t>(state.counters.running_sequences));
    response->set_waiting_sequences(static_cast<uint32_t>(state.counters.waiting_sequences));
    response->set_free_pages(static_cast<uint32_t>(state.counters.free_pages));
    response->set_engine_steps(static_cast<uint64_t>(state.counters.steps));
    response->set_generated_tokens(static_cast<uint64_t>(state.counters.generated_tokens));
    response->set_preemptions(static_cast<uint64_t>(state.counters.preemptions));
    return absl::OkStatus();
  });
}

}  // namespace plumb
