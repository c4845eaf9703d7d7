#include <cstdio>

#include "base/status_macros.h"
#include "policy/kernels/cpu/select_isa.h"
#include "policy/policy_folder.h"
#include "tools/bench/benchmarks.h"
#include "tools/bench/kernel_rates.h"

namespace plumb::cli {
namespace {

class Bench : public Command {
 public:
  void Declare(OptionSet& options) override {
    options.Whole("--threads", {0, 1024}, threads_, "Threads of tensor operations; 0 takes one per core.");
    options.Choice("--isa", cpu::IsaChoices(), isa_, "Instruction set of the CPU kernels.");
    options.Whole("--rounds", {1, 1000}, num_rounds_, "Rounds that are timed, after one that is not.");
  }

  absl::Status Run() override {
    SetTensorThreads(static_cast<int>(threads_));
    RETURN_IF_ERROR(cpu::SelectIsa(isa_));
    Json json = MeasureKernels(KernelCases(), num_rounds_);
    json["benchmark"] = "kernels";
    std::printf("%s\n", DumpJson(json).c_str());
    return absl::OkStatus();
  }

 private:
  int64_t threads_ = 0;
  int64_t num_rounds_ = 5;
  std::string isa_ = "auto";
};

}  // namespace

CommandEntry KernelsBench() {
  return {
      .name = "kernels",
      .summary = "Matrix products of the CPU against the machine's memory bandwidth and FMA peak.",
      .details =
          "Each case is timed in turn with the machine's limits; rates are of the median round. In a round the FMA\n"
          "peak and the cases with weights in a cache are the best of some short bursts. The machine should be\n"
          "idle. Cases C1 read weights from memory for 1, 2 and 4 rows: look at share_of_read_bandwidth. Cases\n"
          "C2 have 64 rows and more: look at share_of_fma_peak.",
      .example = "plumb bench kernels --threads 2\nplumb bench kernels --isa avx2 --rounds 9",
      .make = [] { return std::make_unique<Bench>(); }};
}

}  // namespace plumb::cli
