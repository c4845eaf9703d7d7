#include "train/run_machine.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace plumb {
namespace {

constexpr char kFile[] = "trainer_state.json";
constexpr char kMachine[] = "machine";

absl::StatusOr<RunMachine> ReadMachine(const Json& values) {
  RunMachine machine;
  ASSIGN_OR_RETURN(machine.isa, JsonString(values, "isa", kFile));
  ASSIGN_OR_RETURN(machine.threads, JsonInt(values, "threads", kFile));
  ASSIGN_OR_RETURN(machine.libtorch, JsonString(values, "libtorch", kFile));
  return machine;
}

std::vector<std::string> Differences(const RunMachine& then, const RunMachine& here) {
  std::vector<std::string> differences;
  if (then.isa != here.isa) {
    differences.push_back(absl::StrCat("instruction set ", then.isa, ", now ", here.isa, " (compute.isa)"));
  }
  if (then.threads != here.threads) {
    differences.push_back(absl::StrCat(then.threads, " threads, now ", here.threads, " (compute.threads)"));
  }
  if (then.libtorch != here.libtorch) {
    differences.push_back(absl::StrCat("LibTorch ", then.libtorch, ", now ", here.libtorch));
  }
  return differences;
}

}  // namespace

RunMachine ThisMachine(absl::string_view isa) { return {std::string(isa), at::get_num_threads(), TORCH_VERSION}; }

Json ToJson(const RunMachine& machine) {
  return {{"isa", machine.isa}, {"threads", machine.threads}, {"libtorch", machine.libtorch}};
}

absl::Status CheckMachine(const Json& values, const RunMachine& here, bool allow_other, absl::string_view stage) {
  if (!values.contains(kMachine)) {
    LogWarning(stage, "the checkpoint does not say on what machine it was made: the run may go on with other bits");
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const RunMachine then, ReadMachine(values[kMachine]));
  const std::vector<std::string> differences = Differences(then, here);
  if (differences.empty()) return absl::OkStatus();
  const std::string found = absl::StrCat("the checkpoint was made with ", absl::StrJoin(differences, "; with "));
  if (allow_other) {
    LogWarning(stage, found, ": the run goes on with other bits than it would have had");
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(found,
                   ": the run would go on with other bits than it would have had; set what it had, for example "
                   "--set compute.threads=",
                   then.threads, " --set compute.isa=", then.isa, ", or give --allow-other-machine"));
}

}  // namespace plumb
