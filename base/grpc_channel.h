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

// A started server and the address that it really listens on ("host:0" gets a free port).
struct ListeningServer {
  std::unique_ptr<grpc::Server> server;
  std::string address;
};

// Starts a server with gRPC's own grpc.health.v1 service besides `services`.
// Errors: kUnavailable when the address is taken or cannot be used (the program exits with 3), kInvalidArgument when it
// is malformed or not loopback while `allow_remote` is false: the connection is neither encrypted nor authenticated.
absl::StatusOr<ListeningServer> StartServer(const std::string& address, const std::vector<grpc::Service*>& services,
                                            bool allow_remote);

// A channel to `address`; does not connect yet.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address);

// Waits until the channel is connected.
// Errors: kDeadlineExceeded, naming `peer` and the address.
absl::Status WaitConnected(grpc::Channel& channel, const std::string& peer, absl::Time deadline);

}  // namespace plumb

#endif  // PLUMB_BASE_GRPC_CHANNEL_H_
