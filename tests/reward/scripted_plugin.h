#ifndef PLUMB_TESTS_REWARD_SCRIPTED_PLUGIN_H_
#define PLUMB_TESTS_REWARD_SCRIPTED_PLUGIN_H_

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/grpc_channel.h"
#include "proto/config.pb.h"
#include "proto/reward.grpc.pb.h"
#include "reward/reward_item.h"

namespace plumb::testing {

// A plug-in in this process that answers Score as a test says. `info` may be changed before Connect(). Thread-safe.
class ScriptedPlugin final : public proto::RewardService::Service {
 public:
  // `call` counts from 1. `response` holds value 1 for every item, SCORED; the script spoils it or returns an error.
  using Script = std::function<grpc::Status(int call, grpc::ServerContext& context, const proto::ScoreRequest& request,
                                            proto::ScoreResponse& response)>;

  explicit ScriptedPlugin(Script script) : script_(std::move(script)) {
    info.set_api_version(1);
    auto listening = StartServer("127.0.0.1:0", {this}, /*allow_remote=*/false);
    EXPECT_TRUE(listening.ok()) << listening.status();
    if (listening.ok()) listening_ = *std::move(listening);
  }
  ~ScriptedPlugin() override { ShutDown(); }

  grpc::Status GetInfo(grpc::ServerContext*, const proto::RewardInfoRequest*, proto::RewardInfo* response) override {
    *response = info;
    return grpc::Status::OK;
  }

  grpc::Status Score(grpc::ServerContext* context, const proto::ScoreRequest* request,
                     proto::ScoreResponse* response) override {
    const int running = ++running_;
    for (int most = most_running_; running > most && !most_running_.compare_exchange_weak(most, running);) continue;
    for (const proto::RewardItem& item : request->items()) {
      proto::RewardResult& result = *response->add_results();
      result.set_id(item.id());
      result.set_outcome(proto::REWARD_OUTCOME_SCORED);
      result.set_value(1);
    }
    const grpc::Status status = script_(++calls_, *context, *request, *response);
    --running_;
    return status;
  }

  void ShutDown() {
    if (listening_.server != nullptr) listening_.server->Shutdown(std::chrono::system_clock::now());
  }

  proto::PluginConfig Config(const std::string& name, double weight = 1) const {
    proto::PluginConfig config;
    config.set_name(name);
    config.set_address(listening_.address);
    config.set_weight(weight);
    config.set_outage_seconds(0);
    return config;
  }
  int calls() const { return calls_; }
  int most_running() const { return most_running_; }

  proto::RewardInfo info;

 private:
  const Script script_;
  std::atomic<int> calls_ = 0;
  std::atomic<int> running_ = 0;
  std::atomic<int> most_running_ = 0;
  ListeningServer listening_;
};

// Items "0", "1", ...
inline std::vector<RewardItem> NumberedItems(int count) {
  std::vector<RewardItem> items(count);
  for (int i = 0; i < count; ++i) items[i].id = absl::StrCat(i);
  return items;
}

}  // namespace plumb::testing

#endif  // PLUMB_TESTS_REWARD_SCRIPTED_PLUGIN_H_
