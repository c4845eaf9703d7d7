#include "base/grpc_channel.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include "absl/time/clock.h"
#include "proto/grpc_health.grpc.pb.h"
#include "proto/reward.grpc.pb.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::HasSubstr;

TEST(GrpcServerTest, AnswersHealthOverTcpAndUnixSockets) {
  proto::RewardService::Service service;
  const TestFolder folder;
  for (const std::string& address : {std::string("127.0.0.1:0"), "unix:" + folder.File("socket")}) {
    ASSERT_OK_AND_ASSIGN(const ListeningServer listening, StartServer(address, {&service}, false));
    const auto channel = MakeChannel(listening.address);
    ASSERT_OK(WaitConnected(*channel, "server", absl::Now() + absl::Seconds(5)));
    const auto stub = grpc::health::v1::Health::NewStub(channel);
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckResponse response;
    EXPECT_TRUE(stub->Check(&context, {}, &response).ok());
    EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
  }
}

TEST(GrpcServerFaultTest, ATakenPortIsAnError) {
  proto::RewardService::Service service;
  proto::RewardService::Service other;
  ASSERT_OK_AND_ASSIGN(const ListeningServer first, StartServer("127.0.0.1:0", {&service}, false));
  EXPECT_THAT(StartServer(first.address, {&other}, false),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr(first.address)));
}

TEST(GrpcServerFaultTest, RefusesAddressesOfOtherMachinesAndNonsense) {
  EXPECT_THAT(StartServer("0.0.0.0:0", {}, false),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--allow-remote")));
  EXPECT_THAT(StartServer("here", {}, false), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("host:port")));
  EXPECT_THAT(StartServer("127.0.0.1:99999", {}, false),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("host:port")));
}

TEST(GrpcServerFaultTest, WaitingForNobodyEndsAndNamesThePeer) {
  const auto channel = MakeChannel("unix:/nowhere/socket");
  EXPECT_THAT(WaitConnected(*channel, "worker at unix:/nowhere/socket", absl::Now() + absl::Milliseconds(100)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("/nowhere/socket")));
}

}  // namespace
}  // namespace plumb
