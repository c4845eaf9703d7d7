#include "reward/reward_service.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <grpcpp/client_context.h>
#include <grpcpp/impl/codegen/service_type.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/time/clock.h"
#include "base/grpc_channel.h"
#include "proto/reward.grpc.pb.h"
#include "reward/reward_client.h"
#include "tests/reward/scripted_plugin.h"
#include "tests/testing/status_matchers.h"

namespace plumb {
namespace {

using ::plumb::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

proto::RewardServiceConfig ServiceConfig(const std::string& text) {
  proto::RewardServiceConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config)) << text;
  return config;
}

// The service with math and format on a free port.
class RewardServiceIntegrationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(service_,
                         MakeRewardService(ServiceConfig(
                             "verifiers { name: 'math' } verifiers { name: 'regex' pattern: '####' weight: 0.5 } "
                             "max_batch_items: 3 threads: 2")));
    ASSERT_OK_AND_ASSIGN(listening_, StartServer("127.0.0.1:0", {service_.get()}, /*allow_remote=*/false));
  }
  void TearDown() override {
    if (listening_.server != nullptr) listening_.server->Shutdown(std::chrono::system_clock::now());
  }

  std::unique_ptr<grpc::Service> service_;
  ListeningServer listening_;
};

TEST_F(RewardServiceIntegrationTest, ScoresThroughTheClient) {
  proto::PluginConfig plugin;
  plugin.set_name("rules");
  plugin.set_address(listening_.address);
  ASSERT_OK_AND_ASSIGN(auto client, RewardClient::Connect({plugin}, {}));
  std::vector<RewardItem> items = testing::NumberedItems(10);
  for (RewardItem& item : items) {
    item.completion = absl::StrCat("#### ", item.id);
    item.row_json = item.id == "9" ? "{}" : R"({"answer": "4"})";
  }
  ASSERT_OK_AND_ASSIGN(const auto results, client->Score(items, absl::Now() + absl::Seconds(10)));
  EXPECT_DOUBLE_EQ(results[4].value, 1.5);
  EXPECT_DOUBLE_EQ(results[5].value, 0.5);
  EXPECT_EQ(results[4].components[1].name, "rules/math");
  EXPECT_EQ(results[9].outcome, RewardOutcome::kInvalid);
  EXPECT_EQ(client->counters().calls, 4);
}

TEST_F(RewardServiceIntegrationTest, TellsItsLimitsAndKeepsThem) {
  const auto stub = proto::RewardService::NewStub(MakeChannel(listening_.address));
  grpc::ClientContext info_context;
  info_context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  proto::RewardInfo info;
  ASSERT_TRUE(stub->GetInfo(&info_context, {}, &info).ok());
  EXPECT_EQ(info.api_version(), 1);
  EXPECT_EQ(info.max_batch_items(), 3);
  EXPECT_EQ(info.max_concurrent_calls(), 2);
  EXPECT_THAT(info.components(), ElementsAre("math", "regex"));

  proto::ScoreRequest request;
  for (const char* id : {"a", "b", "c", "d"}) request.add_items()->set_id(id);
  grpc::ClientContext score_context;
  score_context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  proto::ScoreResponse response;
  const grpc::Status status = stub->Score(&score_context, request, &response);
  EXPECT_EQ(status.error_code(), grpc::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "items: 4 of them, at most 3");
}

TEST(MakeRewardServiceTest, NamesTheVerifierOfAnError) {
  EXPECT_THAT(MakeRewardService(ServiceConfig("verifiers { name: 'format' pattern: '[' }")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("verifiers.0.pattern: missing ]")));
}

}  // namespace
}  // namespace plumb
