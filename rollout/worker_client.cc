#include "rollout/worker_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/grpc_channel.h"
#include "base/grpc_status.h"
#include "base/status_macros.h"
#include "rollout/weight_update.h"
#include "rollout/wire.h"

namespace plumb {
namespace {

constexpr size_t kChunkBytes = size_t{4} << 20;

void SetDeadline(grpc::ClientContext& context, absl::Time deadline) {
  context.set_deadline(absl::ToChronoTime(deadline));
}

// A service that is not there is most often the other one's address.
absl::Status HintAtSwap(const absl::Status& status) {
  if (!absl::IsUnimplemented(status)) return status;
  return absl::UnimplementedError(absl::StrCat(status.message(), "; are data and control address swapped?"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<WorkerClient>> WorkerClient::Connect(const proto::WorkerAddress& worker,
                                                                    absl::Time deadline) {
  std::unique_ptr<WorkerClient> client(new WorkerClient());
  client->name_ = absl::StrCat("rollout worker ", worker.address());
  RETURN_IF_ERROR(client->ConnectData(worker, deadline));
  RETURN_IF_ERROR(client->ConnectControl(deadline));
  return client;
}

absl::Status WorkerClient::ConnectData(const proto::WorkerAddress& worker, absl::Time deadline) {
  RETURN_IF_ERROR(Named(CheckAddress(worker.address())));
  is_local_ = IsLocalAddress(worker.address());
  const std::shared_ptr<grpc::Channel> channel = MakeChannel(worker.address(), Pings::kSteady);
  RETURN_IF_ERROR(WaitConnected(*channel, name_, deadline));
  data_ = proto::RolloutService::NewStub(channel);
  grpc::ClientContext context;
  SetDeadline(context, deadline);
  RETURN_IF_ERROR(Named(HintAtSwap(FromGrpcStatus(data_->GetInfo(&context, {}, &info_)))));
  if (info_.api_version() != kRolloutApiVersion) {
    return absl::FailedPreconditionError(absl::StrCat(name_, ": speaks api_version ", info_.api_version(),
                                                      ", this program speaks ", kRolloutApiVersion));
  }
  control_address_ = worker.control_address().empty() ? info_.control_address() : worker.control_address();
  return absl::OkStatus();
}

absl::Status WorkerClient::ConnectControl(absl::Time deadline) {
  const std::string who = absl::StrCat(name_, ": its control address ", control_address_);
  RETURN_IF_ERROR(Annotate(CheckAddress(control_address_), who));
  const std::shared_ptr<grpc::Channel> channel = MakeChannel(control_address_, Pings::kSteady);
  RETURN_IF_ERROR(WaitConnected(*channel, who, deadline));
  control_ = proto::RolloutControl::NewStub(channel);
  grpc::ClientContext context;
  SetDeadline(context, deadline);
  proto::HealthReport report;
  return Annotate(HintAtSwap(FromGrpcStatus(control_->GetHealth(&context, {}, &report))), who);
}

absl::Status WorkerClient::Named(const absl::Status& status) const { return Annotate(status, name_); }

absl::Status WorkerClient::Generate(const proto::GenerateRequest& request, const TickSink& sink, absl::Time deadline) {
  grpc::ClientContext context;
  SetDeadline(context, deadline);
  {
    MutexLock lock(&mutex_);
    generating_ = &context;
  }
  const std::unique_ptr<grpc::ClientReader<proto::GenerateTick>> reader = data_->Generate(&context, request);
  proto::GenerateTick tick;
  absl::Status taken;
  while (taken.ok() && reader->Read(&tick)) taken = sink(tick);
  if (!taken.ok()) context.TryCancel();
  while (reader->Read(&tick)) {
  }
  const absl::Status finished = FromGrpcStatus(reader->Finish());
  {
    MutexLock lock(&mutex_);
    generating_ = nullptr;
  }
  return Named(taken.ok() ? finished : taken);
}

void WorkerClient::CancelGenerate() {
  MutexLock lock(&mutex_);
  if (generating_ != nullptr) generating_->TryCancel();
}

absl::Status WorkerClient::SendWeights(const PolicyWeights& weights, const WeightVersion& version,
                                       const std::string& shared_memory_path, absl::Time deadline) {
  if (is_local_ && !shared_memory_path.empty()) {
    const absl::Status status = SendOver(shared_memory_path, weights, version, deadline);
    // A worker in another container or of another user does not see the file.
    if (!absl::IsNotFound(status) && !absl::IsPermissionDenied(status)) return status;
  }
  return SendOver("", weights, version, deadline);
}

absl::Status WorkerClient::SendOver(const std::string& shared_memory_path, const PolicyWeights& weights,
                                    const WeightVersion& version, absl::Time deadline) {
  proto::BeginWeightsRequest begin = DescribeWeights(weights, version);
  const bool shared = !shared_memory_path.empty();
  begin.set_transport(shared ? "shared_memory" : "chunks");
  if (shared) begin.set_shared_memory_path(shared_memory_path);
  grpc::ClientContext begin_context;
  SetDeadline(begin_context, deadline);
  proto::BeginWeightsResponse begun;
  RETURN_IF_ERROR(Named(FromGrpcStatus(control_->BeginWeights(&begin_context, begin, &begun))));
  if (!shared) RETURN_IF_ERROR(Named(SendChunks(weights, begun.update_id(), deadline)));

  grpc::ClientContext commit_context;
  SetDeadline(commit_context, deadline);
  proto::CommitWeightsRequest commit;
  commit.set_update_id(begun.update_id());
  proto::CommitWeightsResponse committed;
  RETURN_IF_ERROR(Named(FromGrpcStatus(control_->CommitWeights(&commit_context, commit, &committed))));
  if (FromProto(committed.version()) == version) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat(name_, ": serves step ", committed.version().step(), " after a commit of step ", version.step));
}

absl::Status WorkerClient::SendChunks(const PolicyWeights& weights, uint64_t update_id, absl::Time deadline) {
  grpc::ClientContext context;
  SetDeadline(context, deadline);
  proto::SendWeightsResponse response;
  const std::unique_ptr<grpc::ClientWriter<proto::WeightChunk>> writer = control_->SendWeights(&context, &response);
  uint32_t index = 0;
  bool open = true;
  for (const PublishedTensor& tensor : PublishedTensors(weights)) {
    at::Tensor copy;
    const absl::string_view content = TensorContent(tensor.view, copy);
    for (size_t offset = 0; open && offset < content.size(); offset += kChunkBytes) {
      proto::WeightChunk chunk;
      chunk.set_update_id(update_id);
      chunk.set_tensor_index(index);
      chunk.set_offset(offset);
      chunk.set_content(std::string(content.substr(offset, kChunkBytes)));
      open = writer->Write(chunk);
    }
    ++index;
  }
  writer->WritesDone();
  return FromGrpcStatus(writer->Finish());
}

}  // namespace plumb
