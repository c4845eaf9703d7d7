#include "grpo/local_services.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "base/config.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "policy/kernels/cpu/select_isa.h"

namespace plumb {
namespace {

// A worker has to read its weights first, and several may read at the same time.
constexpr absl::Duration kStartLimit = absl::Minutes(5);
constexpr absl::Duration kStopGrace = absl::Seconds(3);
// A peer is gone a moment before the system reports that its process has ended.
constexpr absl::Duration kEndLimit = absl::Milliseconds(300);

// What nobody chose is the trainer's, so that samples and training have the same bits.
std::string IsaOfWorkers(const proto::ComputeConfig& compute) {
  return compute.isa() == cpu::IsaChoices().front() ? cpu::IsaName(cpu::ActiveIsa()) : compute.isa();
}

std::vector<std::string> WorkerArguments(const proto::RolloutConfig& config, const std::string& program,
                                         const std::string& policy) {
  const proto::EngineConfig& engine = config.engine();
  const proto::ComputeConfig& compute = config.compute();
  return {program,
          "rollout",
          "--model",
          policy,
          "--max-running-sequences",
          absl::StrCat(engine.max_running_sequences()),
          "--max-step-tokens",
          absl::StrCat(engine.max_step_tokens()),
          "--cache-pages",
          absl::StrCat(engine.cache_pages()),
          "--max-waiting-sequences",
          absl::StrCat(engine.max_waiting_sequences()),
          "--dtype",
          compute.dtype(),
          "--device",
          compute.device(),
          "--threads",
          absl::StrCat(compute.threads()),
          "--isa",
          IsaOfWorkers(compute)};
}

// What the local process serves: the verifiers, and its own defaults for the rest.
absl::Status WriteRewardConfig(const proto::RewardClientConfig& config, const std::string& path) {
  proto::RewardServiceConfig service;
  for (const proto::VerifierConfig& verifier : config.verifiers()) *service.add_verifiers() = verifier;
  return WriteFileAtomic(path, FormatConfig(service, {}));
}

}  // namespace

absl::StatusOr<std::unique_ptr<LocalServices>> LocalServices::Start(const proto::GrpoConfig& config,
                                                                    const std::string& program,
                                                                    const std::string& policy,
                                                                    const std::string& run_folder) {
  std::unique_ptr<LocalServices> services(new LocalServices());
  services->workers_.assign(config.rollout().workers().begin(), config.rollout().workers().end());
  services->plugins_.assign(config.reward().plugins().begin(), config.reward().plugins().end());
  ASSIGN_OR_RETURN(services->socket_folder_, MakeTemporaryFolder("plumb-"));
  if (!config.reward().verifiers().empty()) {
    RETURN_IF_ERROR(services->StartReward(config.reward(), program, run_folder));
  }
  if (services->workers_.empty()) {
    RETURN_IF_ERROR(services->StartWorkers(config.rollout(), program, policy, run_folder));
  }
  const absl::Time deadline = absl::Now() + kStartLimit;
  for (const Child& child : services->children_) RETURN_IF_ERROR(services->AwaitReady(child, deadline));
  return services;
}

LocalServices::~LocalServices() {
  for (const Child& child : children_) child.process->Stop(kStopGrace);
  if (socket_folder_.empty()) return;
  if (const absl::Status removed = RemoveFolder(socket_folder_); !removed.ok()) {
    LogWarning("grpo", "sockets are left behind: ", removed.message());
  }
}

absl::Status LocalServices::StartWorkers(const proto::RolloutConfig& config, const std::string& program,
                                         const std::string& policy, const std::string& run_folder) {
  for (int index = 0; index < config.local_workers(); ++index) {
    proto::WorkerAddress address;
    address.set_address(absl::StrCat("unix:", socket_folder_, "/worker-", index));
    address.set_control_address(absl::StrCat("unix:", socket_folder_, "/control-", index));
    std::vector<std::string> arguments = WorkerArguments(config, program, policy);
    arguments.insert(arguments.end(), {"--listen", address.address(), "--control", address.control_address()});
    Child child;
    child.is_worker = true;
    ASSIGN_OR_RETURN(child.process, ChildProcess::Start(absl::StrCat("rollout worker ", index), arguments,
                                                        JoinPath(run_folder, absl::StrCat("worker-", index, ".log"))));
    children_.push_back(std::move(child));
    workers_.push_back(address);
  }
  return absl::OkStatus();
}

absl::Status LocalServices::StartReward(const proto::RewardClientConfig& config, const std::string& program,
                                        const std::string& run_folder) {
  const std::string service_config = JoinPath(run_folder, "reward.yaml");
  RETURN_IF_ERROR(WriteRewardConfig(config, service_config));
  proto::PluginConfig plugin;
  plugin.set_name(kBuiltinReward);
  plugin.set_address(absl::StrCat("unix:", socket_folder_, "/reward"));
  plugin.set_weight(1.0);
  plugin.set_outage_seconds(0);  // nobody starts it again
  Child child;
  ASSIGN_OR_RETURN(child.process,
                   ChildProcess::Start("reward process",
                                       {program, "reward", "--config", service_config, "--listen", plugin.address()},
                                       JoinPath(run_folder, "reward.log")));
  children_.push_back(std::move(child));
  plugins_.push_back(plugin);
  return absl::OkStatus();
}

absl::Status LocalServices::AwaitReady(const Child& child, absl::Time deadline) {
  ASSIGN_OR_RETURN(const std::string line, child.process->ReadLine(deadline));
  // The line says where the child listens; it was told where, so only that it speaks is news.
  ASSIGN_OR_RETURN(const Json ready, ParseJson(line, child.process->Describe()));
  ASSIGN_OR_RETURN(const std::string address, JsonString(ready, "address", child.process->Describe()));
  LogInfo("grpo", child.process->Describe(), " at ", address);
  return absl::OkStatus();
}

absl::Status LocalServices::Explain(const absl::Status& status) const {
  if (status.ok()) return status;
  if (absl::IsUnavailable(status)) absl::SleepFor(kEndLimit);
  std::string message(status.message());
  for (const Child& child : children_) {
    if (child.process->IsRunning()) continue;
    // Its output has ended, so reading on gives what the process leaves: how it ended and the end of its log.
    const absl::StatusOr<std::string> rest = child.process->ReadLine(absl::Now() + absl::Seconds(1));
    absl::StrAppend(&message, "\n", rest.ok() ? child.process->Describe() : std::string(rest.status().message()));
  }
  return absl::Status(status.code(), message);
}

}  // namespace plumb
