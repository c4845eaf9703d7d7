#include "absl/time/clock.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "rollout/worker.h"
#include "tools/commands/commands.h"
#include "tools/commands/model_options.h"
#include "tools/commands/ready_line.h"
#include "tools/exit_code.h"

namespace plumb::cli {
namespace {

// Shorter than the time that a parent gives before it kills.
constexpr absl::Duration kDrainTime = absl::Seconds(2);

class Rollout : public Command {
 public:
  void Declare(OptionSet& options) override {
    const proto::EngineConfig defaults = DefaultEngineConfig();
    max_running_sequences_ = defaults.max_running_sequences();
    max_step_tokens_ = defaults.max_step_tokens();
    cache_pages_ = defaults.cache_pages();
    max_waiting_sequences_ = defaults.max_waiting_sequences();
    options.Required("--model", "DIR", model_, "Policy folder to start with.");
    options.Required("--listen", "ADDRESS", listen_, "Of RolloutService: host:port (port 0: any) or unix:/path.");
    options.Text("--control", "ADDRESS", control_, "Of RolloutControl, through which weights come.");
    options.Whole("--max-running-sequences", {1, 65536}, max_running_sequences_, "Sequences decoded together.");
    options.Whole("--max-step-tokens", {1, 1 << 24}, max_step_tokens_, "Tokens computed in one engine step.");
    options.Whole("--cache-pages", {0, 1 << 30}, cache_pages_,
                  "Cache pages of 64 tokens; 0 takes what --max-running-sequences need, at most 1024 tokens each.");
    options.Whole("--max-waiting-sequences", {1, 1 << 30}, max_waiting_sequences_,
                  "Longer queues are refused with RESOURCE_EXHAUSTED.");
    options.Flag("--allow-remote", allow_remote_,
                 "Listen on an address that is not loopback. Connections are neither encrypted nor authenticated.");
    DeclareCompute(options, compute_);
  }

  absl::Status Run() override {
    InstallServerInterruptHandler();
    ASSIGN_OR_RETURN(LoadedModel loaded, LoadModel(model_, compute_));
    absl::StatusOr<std::unique_ptr<RolloutWorker>> worker =
        RolloutWorker::Start(std::move(loaded.weights), std::move(loaded.codec), Options(loaded.device));
    if (!worker.ok()) {
      const bool usage = absl::IsInvalidArgument(worker.status());
      return usage ? worker.status() : EnvironmentError(worker.status());
    }
    Json ready;
    ready["address"] = (*worker)->address();
    ready["control_address"] = (*worker)->control_address();
    PrintReady(ready);
    WaitForInterrupt();
    LogInfo("plumb", "rollout worker on ", (*worker)->address(), ": stopping");
    (*worker)->Shutdown(absl::Now() + kDrainTime);
    return absl::OkStatus();
  }

 private:
  WorkerOptions Options(at::Device device) const {
    WorkerOptions options;
    options.address = listen_;
    options.control_address = control_;
    options.allow_remote = allow_remote_;
    options.device = device;
    options.engine.set_max_running_sequences(static_cast<int32_t>(max_running_sequences_));
    options.engine.set_max_step_tokens(static_cast<int32_t>(max_step_tokens_));
    options.engine.set_cache_pages(static_cast<int32_t>(cache_pages_));
    options.engine.set_max_waiting_sequences(static_cast<int32_t>(max_waiting_sequences_));
    return options;
  }

  std::string model_;
  std::string listen_;
  std::string control_ = "127.0.0.1:0";
  int64_t max_running_sequences_ = 0;
  int64_t max_step_tokens_ = 0;
  int64_t cache_pages_ = 0;
  int64_t max_waiting_sequences_ = 0;
  bool allow_remote_ = false;
  ComputeOptions compute_;
};

}  // namespace

CommandEntry RolloutCommand() {
  return {.name = "rollout",
          .summary = "Run a rollout worker: the gRPC service that makes completions.",
          .details =
              "When it is ready it prints one line on stdout: {\"address\": ..., \"control_address\": ...}. It runs\n"
              "until SIGTERM or Ctrl-C.",
          .example = "plumb rollout --model runs/my_policy --listen 127.0.0.1:7000 --control 127.0.0.1:7001",
          .make = [] { return std::make_unique<Rollout>(); }};
}

}  // namespace plumb::cli
