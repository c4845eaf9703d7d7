#ifndef PLUMB_TESTS_ROLLOUT_TINY_WORKER_H_
#define PLUMB_TESTS_ROLLOUT_TINY_WORKER_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "base/grpc_channel.h"
#include "base/grpc_status.h"
#include "proto/rollout.grpc.pb.h"
#include "rollout/wire.h"
#include "rollout/worker.h"
#include "tests/rollout/tiny_policy.h"

// A worker in this process over real gRPC, and calls to it.
namespace plumb::testing {

inline std::unique_ptr<RolloutWorker> TinyWorker(const std::string& address = "127.0.0.1:0",
                                                 const std::string& control_address = "127.0.0.1:0",
                                                 const proto::EngineConfig& limits = TinyLimits()) {
  WorkerOptions options;
  options.address = address;
  options.control_address = control_address;
  options.engine = limits;
  absl::StatusOr<std::unique_ptr<RolloutWorker>> worker = RolloutWorker::Start(TinyWeights(), TinyCodec(), options);
  PLUMB_CHECK(worker.ok()) << worker.status().ToString();
  return *std::move(worker);
}

inline proto::WorkerAddress AddressOf(const RolloutWorker& worker) {
  proto::WorkerAddress address;
  address.set_address(worker.address());
  address.set_control_address(worker.control_address());
  return address;
}

inline void SetLimit(grpc::ClientContext& context, absl::Duration limit = absl::Seconds(15)) {
  context.set_deadline(absl::ToChronoTime(absl::Now() + limit));
}

inline std::unique_ptr<proto::RolloutService::Stub> DataStub(const RolloutWorker& worker) {
  return proto::RolloutService::NewStub(MakeChannel(worker.address()));
}

inline std::unique_ptr<proto::RolloutControl::Stub> ControlStub(const RolloutWorker& worker) {
  return proto::RolloutControl::NewStub(MakeChannel(worker.control_address()));
}

inline proto::HealthReport HealthOf(proto::RolloutControl::Stub& control) {
  grpc::ClientContext context;
  SetLimit(context);
  proto::HealthReport report;
  const grpc::Status status = control.GetHealth(&context, {}, &report);
  PLUMB_CHECK(status.ok()) << status.error_message();
  return report;
}

// Whether the worker's health comes to satisfy `wanted` within ten seconds.
inline bool HealthBecomes(proto::RolloutControl::Stub& control,
                          const std::function<bool(const proto::HealthReport&)>& wanted) {
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (absl::Now() < deadline) {
    if (wanted(HealthOf(control))) return true;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return false;
}

inline proto::GenerateRequest RequestOf(const std::vector<GroupRequest>& groups, const SamplingOptions& sampling,
                                        const std::string& id = "request") {
  proto::GenerateRequest request = ToProto(groups, sampling);
  request.set_request_id(id);
  return request;
}

// Runs a call to its end; `messages` counts the messages of the stream.
inline absl::Status Call(proto::RolloutService::Stub& data, const proto::GenerateRequest& request,
                         std::vector<proto::GenerateTick>* ticks = nullptr, absl::Duration limit = absl::Seconds(15)) {
  grpc::ClientContext context;
  SetLimit(context, limit);
  const std::unique_ptr<grpc::ClientReader<proto::GenerateTick>> reader = data.Generate(&context, request);
  proto::GenerateTick tick;
  while (reader->Read(&tick)) {
    if (ticks != nullptr) ticks->push_back(tick);
  }
  return FromGrpcStatus(reader->Finish());
}

}  // namespace plumb::testing

#endif  // PLUMB_TESTS_ROLLOUT_TINY_WORKER_H_
