#ifndef PLUMB_POLICY_KERNELS_CPU_SELECT_ISA_H_
#define PLUMB_POLICY_KERNELS_CPU_SELECT_ISA_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "policy/kernels/cpu/isa.h"

namespace plumb::cpu {

// The environment variable that stands in for the option where that is not given.
inline constexpr char kIsaVariable[] = "PLUMB_ISA";

// "auto" and the names of all classes.
std::vector<std::string> IsaChoices();

// The classes of this machine, the best one last.
std::vector<Isa> SupportedIsas();

// The class that `name` means on a machine that supports `supported`: a class by its name, or the best one for "auto"
// and "".
// Errors: kInvalidArgument for another name; kFailedPrecondition where the machine lacks the class, or has none.
absl::StatusOr<Isa> ChooseIsa(const std::string& name, const std::vector<Isa>& supported);

// Pins the class of this process. "auto" and "" take what the environment variable names, else the best class of the
// machine. Once, before the first kernel runs; a later call changes the bits of what follows.
// Errors: those of ChooseIsa(); a message about the variable's value names the variable.
absl::Status SelectIsa(const std::string& name);

}  // namespace plumb::cpu

#endif  // PLUMB_POLICY_KERNELS_CPU_SELECT_ISA_H_
