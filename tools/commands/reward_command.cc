#include "absl/time/clock.h"
#include "base/config.h"
#include "base/grpc_channel.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "proto/config.pb.h"
#include "reward/reward_service.h"
#include "tools/commands/commands.h"
#include "tools/commands/ready_line.h"
#include "tools/config_pages.h"
#include "tools/exit_code.h"

namespace plumb::cli {
namespace {

constexpr absl::Duration kDrainTime = absl::Seconds(2);

class Reward : public Command {
 public:
  void Declare(OptionSet& options) override {
    options.Required("--config", "FILE", config_, "YAML file; its keys are below.");
    options.List("--set", "KEY=VALUE", overrides_, "Override a key of the configuration.");
    options.Required("--listen", "ADDRESS", listen_, "host:port (port 0: any) or unix:/path.");
    options.Flag("--allow-remote", allow_remote_,
                 "Listen on an address that is not loopback. Connections are neither encrypted nor authenticated.");
  }

  absl::Status Run() override {
    InstallServerInterruptHandler();
    proto::RewardServiceConfig config;
    RETURN_IF_ERROR(LoadConfig(config_, overrides_, config).status());
    absl::StatusOr<std::unique_ptr<grpc::Service>> service = MakeRewardService(config);
    if (!service.ok()) return Annotate(service.status(), config_);
    absl::StatusOr<ListeningServer> server = StartServer(listen_, {service->get()}, allow_remote_);
    if (!server.ok()) {
      return absl::IsInvalidArgument(server.status()) ? server.status() : EnvironmentError(server.status());
    }
    Json ready;
    ready["address"] = server->address;
    PrintReady(ready);
    WaitForInterrupt();
    LogInfo("plumb", "reward service on ", server->address, ": stopping");
    server->server->Shutdown(absl::ToChronoTime(absl::Now() + kDrainTime));
    return absl::OkStatus();
  }

 private:
  std::string config_;
  std::vector<std::string> overrides_;
  std::string listen_;
  bool allow_remote_ = false;
};

}  // namespace

CommandEntry RewardCommand() {
  return {.name = "reward",
          .summary = "Serve the built-in verifiers as a reward plug-in.",
          .details = absl::StrCat(
              "When it is ready it prints one line on stdout: {\"address\": ...}. It runs until SIGTERM or Ctrl-C.\n\n"
              "Keys of the configuration (docs/configuration.md has their ranges):\n",
              ConfigKeysHelp(*proto::RewardServiceConfig::descriptor())),
          .example =
              "printf 'verifiers:\\n  - name: math\\n' > reward.yaml\n"
              "plumb reward --config reward.yaml --listen 127.0.0.1:7100",
          .make = [] { return std::make_unique<Reward>(); }};
}

}  // namespace plumb::cli
