#include "base/grpc_channel.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "proto/grpc_health.grpc.pb.h"
#include "proto/reward.grpc.pb.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_files.h"

namespace plumb {
namespace {

using ::plumb::testing::MustRead;
using ::plumb::testing::StatusIs;
using ::plumb::testing::TestFolder;
using ::testing::HasSubstr;

absl::Status CheckHealth(const std::string& address) {
  const auto channel = MakeChannel(address);
  if (absl::Status status = WaitConnected(*channel, "server", absl::Now() + absl::Seconds(5)); !status.ok()) {
    return status;
  }
  grpc::ClientContext context;
  grpc::health::v1::HealthCheckResponse response;
  const grpc::Status status = grpc::health::v1::Health::NewStub(channel)->Check(&context, {}, &response);
  return status.ok() ? absl::OkStatus() : absl::UnavailableError(status.error_message());
}

// A socket file on which nobody listens, as a server that was killed leaves it.
void LeaveSocket(const std::string& path) {
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  std::strncpy(name.sun_path, path.c_str(), sizeof(name.sun_path) - 1);
  const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(dead, reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
  ASSERT_EQ(::listen(dead, 1), 0);
  ::close(dead);
}

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

TEST(GrpcServerFaultTest, ASocketOnWhichSomebodyAnswersIsNotTaken) {
  proto::RewardService::Service service;
  proto::RewardService::Service other;
  const TestFolder folder;
  const std::string address = "unix:" + folder.File("socket");
  ASSERT_OK_AND_ASSIGN(const ListeningServer first, StartServer(address, {&service}, false));
  EXPECT_THAT(StartServer(address, {&other}, false),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("taken by another server")));
  EXPECT_OK(CheckHealth(address));
}

TEST(GrpcServerFaultTest, TakesOverTheSocketOfADeadServer) {
  proto::RewardService::Service service;
  const TestFolder folder;
  const std::string address = "unix:" + folder.File("socket");
  LeaveSocket(folder.File("socket"));
  ASSERT_OK_AND_ASSIGN(const ListeningServer server, StartServer(address, {&service}, false));
  EXPECT_OK(CheckHealth(address));
}

TEST(GrpcServerFaultTest, AFileThatIsNoSocketStays) {
  proto::RewardService::Service service;
  const TestFolder folder;
  ASSERT_OK(WriteFileAtomic(folder.File("notes"), "keep"));
  EXPECT_THAT(StartServer("unix:" + folder.File("notes"), {&service}, false),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no socket")));
  EXPECT_EQ(MustRead(folder.File("notes")), "keep");
}

TEST(GrpcServerFaultTest, RefusesSocketPathsThatTheSystemCannotHold) {
  EXPECT_THAT(StartServer("unix:/tmp/" + std::string(103, 'x'), {}, false),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("socket path has 108 bytes, at most 107")));
  EXPECT_THAT(StartServer("unix:", {}, false), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("unix:/path")));
}

TEST(GrpcAddressTest, ANameThatBeginsWith127IsNotLocal) {
  for (const char* address : {"127.0.0.1:7", "127.9.8.7:0", "localhost:1", "[::1]:2", "unix:/tmp/s"}) {
    EXPECT_TRUE(IsLocalAddress(address)) << address;
  }
  for (const char* address : {"127.evil.com:7", "127.0.0.1.evil.com:7", "128.0.0.1:7", "[::]:2", "0.0.0.0:1"}) {
    EXPECT_FALSE(IsLocalAddress(address)) << address;
  }
}

TEST(GrpcServerFaultTest, RefusesAddressesOfOtherMachinesAndNonsense) {
  EXPECT_THAT(StartServer("0.0.0.0:0", {}, false),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--allow-remote")));
  EXPECT_THAT(StartServer("127.evil.com:0", {}, false),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--allow-remote")));
  EXPECT_THAT(StartServer("here", {}, false), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("host:port")));
  EXPECT_THAT(StartServer("127.0.0.1:99999", {}, false),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("host:port")));
}

TEST(GrpcServerFaultTest, WaitingForNobodyEndsNamesThePeerAndTheLimit) {
  const auto channel = MakeChannel("unix:/nowhere/socket");
  EXPECT_THAT(WaitConnected(*channel, "worker at unix:/nowhere/socket", absl::Now() + absl::Milliseconds(100)),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       HasSubstr("worker at unix:/nowhere/socket: no connection within 0.1 s")));
}

TEST(GrpcServerFaultTest, ALongWaitIsSaidOnce) {
  const TestFolder folder;
  ASSERT_OK(AddLogFile(folder.File("log.txt")));
  const auto channel = MakeChannel("unix:/nowhere/socket");
  EXPECT_THAT(WaitConnected(*channel, "worker at unix:/nowhere/socket", absl::Now() + absl::Milliseconds(2300)),
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("within 2.3 s")));
  const std::string log = MustRead(folder.File("log.txt"));
  const size_t said = log.find("waiting for worker at unix:/nowhere/socket (up to 2.3 s)");
  ASSERT_NE(said, std::string::npos) << log;
  EXPECT_EQ(log.find("waiting for", said + 1), std::string::npos) << log;
}

}  // namespace
}  // namespace plumb
