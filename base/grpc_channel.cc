#include "base/grpc_channel.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <chrono>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace plumb {
namespace {

constexpr int kClientPingMilliseconds = 60'000;
constexpr int kServerMinimumPingMilliseconds = 30'000;

bool IsLoopback(absl::string_view host) {
  return host == "localhost" || host == "[::1]" || absl::StartsWith(host, "127.");
}

absl::Status CheckAddress(const std::string& address, bool allow_remote) {
  if (absl::StartsWith(address, "unix:")) return absl::OkStatus();
  const size_t colon = address.rfind(':');
  int port = -1;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 0 || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", address, "' is not an address: expected host:port or unix:/path"));
  }
  if (!allow_remote && !IsLoopback(address.substr(0, colon))) {
    return absl::InvalidArgumentError(
        absl::StrCat(address,
                     " can be reached from other machines, and the connection is neither encrypted nor "
                     "authenticated: listen on 127.0.0.1 or unix:/path, or allow it with --allow-remote"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ListeningServer> StartServer(const std::string& address, const std::vector<grpc::Service*>& services,
                                            bool allow_remote) {
  if (absl::Status status = CheckAddress(address, allow_remote); !status.ok()) return status;
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  // Without this a second server on the same port starts happily.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kServerMinimumPingMilliseconds);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  int port = 0;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  ListeningServer listening;
  listening.server = builder.BuildAndStart();
  if (listening.server == nullptr) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address, ": the address is taken or cannot be used"));
  }
  listening.address =
      absl::StartsWith(address, "unix:") ? address : absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
  return listening;
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kClientPingMilliseconds);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // Two clients in one process must not share a connection that one of them breaks.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

absl::Status WaitConnected(grpc::Channel& channel, const std::string& peer, absl::Time deadline) {
  if (channel.WaitForConnected(absl::ToChronoTime(deadline))) return absl::OkStatus();
  return absl::DeadlineExceededError(absl::StrCat(peer, ": no connection within the time allowed"));
}

}  // namespace plumb
