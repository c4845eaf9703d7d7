#include "rollout/worker_client.h"

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
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

}  // namespace

absl::StatusOr<std::unique_ptr<WorkerClient>> WorkerClient::Connect(const proto::WorkerAddress& worker,
                                                                    absl::Time deadline) {
  std::unique_ptr<WorkerClient> client(new WorkerClient());
  const std::string& address = worker.address();
  client->name_ = absl::StrCat("rollout worker ", address);
  client->is_local_ = absl::StartsWith(address, "unix:") || absl::StartsWith(address, "127.") ||
                      absl::StartsWith(address, "localhost:") || absl::StartsWith(address, "[::1]:");
  const std::shared_ptr<grpc::Channel> data = MakeChannel(address);
  RETURN_IF_ERROR(WaitConnected(*data, client->name_, deadline));
  client->data_ = proto::RolloutService::NewStub(data);
  grpc::ClientContext context;
  SetDeadline(context, deadline);
  RETURN_IF_ERROR(client->Named(FromGrpcStatus(client->data_->GetInfo(&context, {}, &client->info_))));
  if (client->info_.api_version() != kRolloutApiVersion) {
    return absl::FailedPreconditionError(absl::StrCat(client->name_, ": speaks api_version ",
                                                      client->info_.api_version(), ", this program speaks ",
                                                      kRolloutApiVersion));
  }
  const std::string& control_address =
      worker.control_address().empty() ? client->info_.control_address() : worker.control_address();
  const std::shared_ptr<grpc::Channel> control = MakeChannel(control_address);
  RETURN_IF_ERROR(
      WaitConnected(*control, absl::StrCat(client->name_, ": its control address ", control_address), deadline));
  client->control_ = proto::RolloutControl::NewStub(control);
  return client;
}

absl::Status WorkerClient::Named(const absl::Status& status) const { return Annotate(status, name_); }

absl::Status WorkerClient::Generate(const proto::GenerateRequest& request, const TickSink& sink, absl::Time deadline) {
  grpc::ClientContext context;
  SetDeadline(context, deadline);
  const std::unique_ptr<grpc::ClientReader<proto::GenerateTick>> reader = data_->Generate(&context, request);
  proto::GenerateTick tick;
  absl::Status taken;
  while (taken.ok() && reader->Read(&tick)) taken = sink(tick);
  if (!taken.ok()) context.TryCancel();
  while (reader->Read(&tick)) {
  }
  const absl::Status finished = FromGrpcStatus(reader->Finish());
  return Named(taken.ok() ? finished : taken);
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
