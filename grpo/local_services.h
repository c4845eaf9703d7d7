#ifndef PLUMB_GRPO_LOCAL_SERVICES_H_
#define PLUMB_GRPO_LOCAL_SERVICES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/child_process.h"
#include "proto/config.pb.h"

namespace plumb {

// The name of the local reward process among the plug-ins, and so of its component in metrics.
inline constexpr char kBuiltinReward[] = "builtin";

// The rollout workers and reward plug-ins of a run: those that the configuration names, and child processes of the same
// program where it names none. Children listen on Unix sockets in a temporary folder, write their logs into the run
// folder (worker-0.log, reward.log) and end with this object. Not thread-safe.
class LocalServices {
 public:
  // Starts what is missing and waits until it is ready.
  //   program       path of the plumb program
  //   policy        policy folder that workers start with
  //   run_folder    where logs go
  // Errors: kNotFound for the program; kUnavailable when a child ends, with how it ended and the end of its log;
  // kDeadlineExceeded when it is not ready in time.
  static absl::StatusOr<std::unique_ptr<LocalServices>> Start(const proto::GrpoConfig& config,
                                                              const std::string& program, const std::string& policy,
                                                              const std::string& run_folder);
  ~LocalServices();

  const std::vector<proto::WorkerAddress>& workers() const { return workers_; }
  const std::vector<proto::PluginConfig>& plugins() const { return plugins_; }

  // A process that this object started.
  struct Child {
    std::unique_ptr<ChildProcess> process;
    bool is_worker = false;  // the other kind serves rewards
  };
  // In the order of their start.
  const std::vector<Child>& children() const { return children_; }

  // Adds to an error which children have ended, how, and the end of their logs. OK stays OK.
  absl::Status Explain(const absl::Status& status) const;

 private:
  LocalServices() = default;
  absl::Status StartWorkers(const proto::RolloutConfig& config, const std::string& program, const std::string& policy,
                            const std::string& run_folder);
  absl::Status StartReward(const proto::RewardClientConfig& config, const std::string& program,
                           const std::string& run_folder);
  absl::Status AwaitReady(const Child& child, absl::Time deadline);

  std::string socket_folder_;
  std::vector<Child> children_;
  std::vector<proto::WorkerAddress> workers_;
  std::vector<proto::PluginConfig> plugins_;
};

}  // namespace plumb

#endif  // PLUMB_GRPO_LOCAL_SERVICES_H_
