#ifndef PLUMB_TESTS_ROLLOUT_SCRIPTED_WORKER_H_
#define PLUMB_TESTS_ROLLOUT_SCRIPTED_WORKER_H_

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "base/grpc_channel.h"
#include "proto/config.pb.h"
#include "proto/rollout.grpc.pb.h"
#include "rollout/wire.h"

// A worker of another program, over real gRPC: it speaks the protocol and may break its promises. Thread-safe.
namespace plumb::testing {

class ScriptedWorker final : public proto::RolloutService::Service {
 public:
  // What Generate() answers.
  using Script = std::function<grpc::Status(grpc::ServerContext& context, const proto::GenerateRequest& request,
                                            grpc::ServerWriter<proto::GenerateTick>& writer)>;

  explicit ScriptedWorker(Script script) : script_(std::move(script)) {
    data_server_ = Listen(this);
    control_server_ = Listen(&control_);
  }
  ~ScriptedWorker() override {
    for (ListeningServer* listening : {&data_server_, &control_server_}) {
      if (listening->server != nullptr) listening->server->Shutdown(std::chrono::system_clock::now());
    }
  }

  // From now on BeginWeights does not answer.
  void FallSilent() { control_.silent = true; }

  proto::WorkerAddress Address() const {
    proto::WorkerAddress address;
    address.set_address(data_server_.address);
    address.set_control_address(control_server_.address);
    return address;
  }

  grpc::Status GetInfo(grpc::ServerContext*, const proto::RolloutInfoRequest*, proto::RolloutInfo* response) override {
    response->set_api_version(kRolloutApiVersion);
    return grpc::Status::OK;
  }
  grpc::Status Generate(grpc::ServerContext* context, const proto::GenerateRequest* request,
                        grpc::ServerWriter<proto::GenerateTick>* writer) override {
    return script_(*context, *request, *writer);
  }

 private:
  // Takes every update at its word.
  class Control final : public proto::RolloutControl::Service {
   public:
    grpc::Status BeginWeights(grpc::ServerContext* context, const proto::BeginWeightsRequest* request,
                              proto::BeginWeightsResponse*) override {
      while (silent && !context->IsCancelled()) absl::SleepFor(absl::Milliseconds(5));
      version_ = request->version();
      return grpc::Status::OK;
    }
    grpc::Status CommitWeights(grpc::ServerContext*, const proto::CommitWeightsRequest*,
                               proto::CommitWeightsResponse* response) override {
      *response->mutable_version() = version_;
      return grpc::Status::OK;
    }
    grpc::Status GetHealth(grpc::ServerContext*, const proto::HealthRequest*, proto::HealthReport* response) override {
      response->set_state(proto::HealthReport::STATE_SERVING);
      return grpc::Status::OK;
    }
    std::atomic<bool> silent{false};

   private:
    proto::WeightVersion version_;  // one trainer calls, one call after the other
  };

  static ListeningServer Listen(grpc::Service* service) {
    absl::StatusOr<ListeningServer> listening = StartServer("127.0.0.1:0", {service}, /*allow_remote=*/false);
    EXPECT_TRUE(listening.ok()) << listening.status();
    return listening.ok() ? *std::move(listening) : ListeningServer();
  }

  const Script script_;
  Control control_;
  ListeningServer data_server_;
  ListeningServer control_server_;
};

}  // namespace plumb::testing

#endif  // PLUMB_TESTS_ROLLOUT_SCRIPTED_WORKER_H_
