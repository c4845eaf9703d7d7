#ifndef PLUMB_TRAIN_RUN_MACHINE_H_
#define PLUMB_TRAIN_RUN_MACHINE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/json.h"

namespace plumb {

// What the bits of a run depend on, besides its configuration, its data and its model. Only on machines that are the
// same in this a run goes on as if it had never ended.
struct RunMachine {
  std::string isa;       // instruction set of the CPU kernels, "avx2" or "avx512"
  int64_t threads = 0;   // of tensor operations; gradients are summed in an order that depends on it
  std::string libtorch;  // version, "2.11.0"
};

// This process: with its threads as they are set now.
RunMachine ThisMachine(absl::string_view isa);

// The member "machine" of trainer_state.json.
Json ToJson(const RunMachine& machine);

// Compares the machine of a checkpoint with `here`. `values` are those of trainer_state.json; where they have no
// "machine" (earlier versions wrote none) or `allow_other` is given, a difference is logged as a warning.
//   stage  that logs
// Errors: kInvalidArgument with both values of all that differs and how to go on; for a member of a wrong type.
absl::Status CheckMachine(const Json& values, const RunMachine& here, bool allow_other, absl::string_view stage);

}  // namespace plumb

#endif  // PLUMB_TRAIN_RUN_MACHINE_H_
