#ifndef PLUMB_BASE_GRPC_CHANNEL_H_
#define PLUMB_BASE_GRPC_CHANNEL_H_

#include <grpcpp/channel.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

// How every Plumb service listens and every client connects: no shared ports (grpc.so_reuseport=0), stated message
// limits, agreed keepalive. An address is "host:port" or "unix:/path" (also "unix:path").
namespace plumb {

inline constexpr int kMaxMessageBytes = 64 << 20;

// Checks an address's form.
// Errors: kInvalidArgument: no port, an empty socket path, or one that the system cannot hold (107 bytes at most).
absl::Status CheckAddress(const std::string& address);

// Whether a well-formed address is of this machine alone: a Unix socket, 127.x.y.z, [::1] or localhost.
bool IsLocalAddress(const std::string& address);

// A started server and the address that it really listens on ("host:0" gets a free port).
struct ListeningServer {
  std::unique_ptr<grpc::Server> server;
  std::string address;
};

// Starts a server with gRPC's own grpc.health.v1 service besides `services`. A socket file that a dead server left is
// taken over; one on which somebody answers is not.
// Errors: kUnavailable when the address is taken or cannot be used (the program exits with 3), kInvalidArgument when it
// is malformed, is the path of a file that is no socket, or is not local while `allow_remote` is false: the connection
// is neither encrypted nor authenticated.
absl::StatusOr<ListeningServer> StartServer(const std::string& address, const std::vector<grpc::Service*>& services,
                                            bool allow_remote);

// What a channel expects of its server. Servers of other programs close a connection with many pings and no data.
enum class Pings {
  kFew,     // two after anything was sent
  kSteady,  // for StartServer()'s servers: as long as the channel lives, so that a server that hangs is noticed
};

// A channel to `address`; does not connect yet. It pings every 20 s, and a server that does not answer within 10 s is
// gone: its calls end with kUnavailable.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, Pings pings = Pings::kFew);

// Waits until the channel is connected; after two seconds says so in the log, once. `peer` names whom and where.
// Errors: kDeadlineExceeded, naming `peer` and how long it was waited for.
absl::Status WaitConnected(grpc::Channel& channel, const std::string& peer, absl::Time deadline);

}  // namespace plumb

#endif  // PLUMB_BASE_GRPC_CHANNEL_H_
