#include "dist/launch_environment.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace plumb {
namespace {

using Lookup = std::function<std::optional<std::string>(const char* name)>;

// The variables of one launcher.
struct Launcher {
  const char* source;
  const char* rank;
  const char* world_size;
  const char* local_rank;
};

constexpr Launcher kTorchrun = {"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK"};
constexpr Launcher kSlurm = {"Slurm", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"};
constexpr Launcher kOpenMpi = {"Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
                               "OMPI_COMM_WORLD_LOCAL_RANK"};

absl::StatusOr<int> ReadNumber(const Lookup& get, const char* name, const char* source) {
  const std::optional<std::string> text = get(name);
  if (!text.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": not set, though other variables of ", source, " are"));
  }
  int value = 0;
  const bool digits = !text->empty() && text->find_first_not_of("0123456789") == std::string::npos;
  if (!digits || !absl::SimpleAtoi(*text, &value)) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": is \"", *text, "\", expected a whole number from 0 on"));
  }
  return value;
}

absl::Status CheckBelow(const char* name, int value, const char* limit_name, int limit) {
  if (value < limit) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, ": is ", value, ", expected less than ", limit_name, "=", limit));
}

bool AnySet(const Lookup& get, const Launcher& launcher) {
  return get(launcher.rank).has_value() || get(launcher.world_size).has_value() || get(launcher.local_rank).has_value();
}

absl::StatusOr<LaunchEnvironment> ReadLauncher(const Lookup& get, const Launcher& launcher) {
  LaunchEnvironment environment;
  environment.source = launcher.source;
  ASSIGN_OR_RETURN(environment.rank, ReadNumber(get, launcher.rank, launcher.source));
  ASSIGN_OR_RETURN(environment.world_size, ReadNumber(get, launcher.world_size, launcher.source));
  ASSIGN_OR_RETURN(environment.local_rank, ReadNumber(get, launcher.local_rank, launcher.source));
  if (environment.world_size < 1) {
    return absl::InvalidArgumentError(absl::StrCat(launcher.world_size, ": is 0, expected at least 1"));
  }
  RETURN_IF_ERROR(CheckBelow(launcher.rank, environment.rank, launcher.world_size, environment.world_size));
  RETURN_IF_ERROR(CheckBelow(launcher.local_rank, environment.local_rank, launcher.world_size, environment.world_size));
  return environment;
}

// A batch script and an interactive shell carry SLURM_PROCID too, but only a step of srun starts several processes.
// Slurm numbers the steps of scripts and shells from 0xfffffffa up.
bool InSlurmStep(const Lookup& get) {
  std::optional<std::string> step = get("SLURM_STEP_ID");
  if (!step.has_value()) step = get("SLURM_STEPID");
  if (!step.has_value()) return false;
  uint64_t number = 0;
  return absl::SimpleAtoi(*step, &number) && number < 0xfffffffaULL;
}

// torchrun sets this for the processes that it starts itself.
bool StartedByTorchrun(const Lookup& get) { return get("TORCHELASTIC_RUN_ID").has_value(); }

absl::Status CheckAgree(const Launcher& first_names, const LaunchEnvironment& first, const Launcher& other_names,
                        const LaunchEnvironment& other) {
  if (first.rank != other.rank) {
    return absl::InvalidArgumentError(absl::StrCat(first_names.rank, "=", first.rank, " and ", other_names.rank, "=",
                                                   other.rank, " disagree; unset the variables of one launcher"));
  }
  if (first.world_size != other.world_size) {
    return absl::InvalidArgumentError(absl::StrCat(first_names.world_size, "=", first.world_size, " and ",
                                                   other_names.world_size, "=", other.world_size,
                                                   " disagree; unset the variables of one launcher"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<LaunchEnvironment> ReadLaunchEnvironment(const Lookup& get) {
  std::vector<const Launcher*> launchers;
  if (AnySet(get, kTorchrun)) launchers.push_back(&kTorchrun);
  if (InSlurmStep(get)) launchers.push_back(&kSlurm);
  if (AnySet(get, kOpenMpi)) launchers.push_back(&kOpenMpi);
  if (launchers.empty()) return LaunchEnvironment{0, 1, 0, "single process"};

  ASSIGN_OR_RETURN(const LaunchEnvironment chosen, ReadLauncher(get, *launchers.front()));
  if (launchers.front() == &kTorchrun && StartedByTorchrun(get)) return chosen;
  for (size_t i = 1; i < launchers.size(); ++i) {
    ASSIGN_OR_RETURN(const LaunchEnvironment other, ReadLauncher(get, *launchers[i]));
    RETURN_IF_ERROR(CheckAgree(*launchers.front(), chosen, *launchers[i], other));
  }
  return chosen;
}

}  // namespace plumb
