#ifndef PLUMB_DIST_LAUNCH_ENVIRONMENT_H_
#define PLUMB_DIST_LAUNCH_ENVIRONMENT_H_

#include <functional>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace plumb {

// What a launcher told this process.
struct LaunchEnvironment {
  int rank = 0;
  int world_size = 1;
  int local_rank = 0;
  std::string source;  // "torchrun", "Slurm", "Open MPI", "single process"
};

// Reads the variables of torchrun (RANK, WORLD_SIZE, LOCAL_RANK), Slurm (SLURM_PROCID, SLURM_NTASKS, SLURM_LOCALID) and
// Open MPI (OMPI_COMM_WORLD_RANK, _SIZE, _LOCAL_RANK), in this order; a Slurm job without a step counts as a single
// process. A process that torchrun itself started (TORCHELASTIC_RUN_ID) heeds torchrun alone: srun often starts one
// torchrun per node. `get` looks a variable up (std::getenv in programs).
// Errors: kInvalidArgument naming the variable: not a number, out of range, one of a set missing, two sources that
// disagree.
absl::StatusOr<LaunchEnvironment> ReadLaunchEnvironment(
    const std::function<std::optional<std::string>(const char* name)>& get);

}  // namespace plumb

#endif  // PLUMB_DIST_LAUNCH_ENVIRONMENT_H_
