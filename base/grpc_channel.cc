#include "base/grpc_channel.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "base/log.h"

namespace plumb {
namespace {

constexpr int kClientPingMilliseconds = 20'000;
constexpr int kPingAnswerMilliseconds = 10'000;
// Less than the clients' interval: a server closes the connection of a client that pings more often than this.
constexpr int kServerMinimumPingMilliseconds = 10'000;
constexpr absl::Duration kQuietWait = absl::Seconds(2);
constexpr size_t kMaxSocketPathBytes = sizeof(sockaddr_un::sun_path) - 1;

bool IsUnixAddress(absl::string_view address) { return absl::StartsWith(address, "unix:"); }

absl::Status CheckSocketPath(const std::string& address) {
  const size_t bytes = absl::StripPrefix(address, "unix:").size();
  if (bytes == 0) return absl::InvalidArgumentError("'unix:' is not an address: expected unix:/path");
  if (bytes <= kMaxSocketPathBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(address, ": the socket path has ", bytes, " bytes, at most ", kMaxSocketPathBytes));
}

// Whether a process accepts connections on the socket file. Does not wait.
absl::StatusOr<bool> SomebodyAnswers(const std::string& path) {
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.data(), std::min(path.size(), kMaxSocketPathBytes));
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return absl::ErrnoToStatus(errno, "cannot make a socket");
  const bool connected = ::connect(probe, reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0;
  const int reason = errno;
  ::close(probe);
  // EAGAIN: its queue of connections is full.
  if (connected || reason == EAGAIN || reason == EINPROGRESS) return true;
  if (reason == ECONNREFUSED || reason == ENOENT) return false;
  return absl::ErrnoToStatus(reason, "cannot connect");
}

// gRPC removes whatever socket is at the path before it listens there, so this looks first.
absl::Status CheckSocketFree(const std::string& address) {
  const std::string path(absl::StripPrefix(address, "unix:"));
  struct stat found = {};
  if (::lstat(path.c_str(), &found) != 0) return absl::OkStatus();
  if (!S_ISSOCK(found.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot listen on ", address, ": a file that is no socket is there already"));
  }
  const absl::StatusOr<bool> taken = SomebodyAnswers(path);
  if (!taken.ok()) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address, ": it cannot be used: ", taken.status().message()));
  }
  if (!*taken) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot listen on ", address, ": the address is taken by another server"));
}

absl::Status CheckListenAddress(const std::string& address, bool allow_remote) {
  if (absl::Status status = CheckAddress(address); !status.ok()) return status;
  if (IsUnixAddress(address)) return CheckSocketFree(address);
  if (allow_remote || IsLocalAddress(address)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(address,
                   " can be reached from other machines, and the connection is neither encrypted nor "
                   "authenticated: listen on 127.0.0.1 or unix:/path, or allow it with --allow-remote"));
}

std::string SecondsText(absl::Duration duration) {
  const double seconds = absl::ToDoubleSeconds(duration);
  return absl::StrCat(seconds < 10 ? std::round(seconds * 10) / 10 : std::round(seconds), " s");
}

}  // namespace

absl::Status CheckAddress(const std::string& address) {
  if (IsUnixAddress(address)) return CheckSocketPath(address);
  const size_t colon = address.rfind(':');
  int port = -1;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 0 || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", address, "' is not an address: expected host:port or unix:/path"));
  }
  return absl::OkStatus();
}

bool IsLocalAddress(const std::string& address) {
  if (IsUnixAddress(address)) return true;
  const std::string host = address.substr(0, address.rfind(':'));
  if (host == "localhost" || host == "[::1]") return true;
  in_addr number = {};
  // A name may begin with 127 too.
  return ::inet_pton(AF_INET, host.c_str(), &number) == 1 && (ntohl(number.s_addr) >> 24) == 127;
}

absl::StatusOr<ListeningServer> StartServer(const std::string& address, const std::vector<grpc::Service*>& services,
                                            bool allow_remote) {
  if (absl::Status status = CheckListenAddress(address, allow_remote); !status.ok()) return status;
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
  listening.address = IsUnixAddress(address) ? address : absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
  return listening;
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, Pings pings) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kClientPingMilliseconds);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kPingAnswerMilliseconds);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  if (pings == Pings::kSteady) arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Two clients in one process must not share a connection that one of them breaks.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

absl::Status WaitConnected(grpc::Channel& channel, const std::string& peer, absl::Time deadline) {
  const absl::Time start = absl::Now();
  const std::string limit = SecondsText(deadline - start);
  if (channel.WaitForConnected(absl::ToChronoTime(std::min(deadline, start + kQuietWait)))) return absl::OkStatus();
  if (deadline > absl::Now()) {
    LogInfo("grpc", "waiting for ", peer, " (up to ", limit, ")");
    if (channel.WaitForConnected(absl::ToChronoTime(deadline))) return absl::OkStatus();
  }
  return absl::DeadlineExceededError(absl::StrCat(peer, ": no connection within ", limit));
}

}  // namespace plumb
