#include <ATen/ATen.h>

#include <cstdio>
#include <functional>
#include <memory>

#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "base/torch_guard.h"
#include "policy/kernels/cpu/select_isa.h"
#include "policy/kernels/token_logprobs.h"
#include "policy/policy_folder.h"
#include "tools/bench/benchmarks.h"
#include "tools/bench/memory_watch.h"

namespace plumb::cli {
namespace {

// Log-probabilities [N] of the targets, with gradients to both inputs.
using Scoring = std::function<at::Tensor(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets)>;

// The plain form, which holds [N, V] as long as autograd needs it.
at::Tensor HeldLogits(const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets) {
  return at::log_softmax(hidden.matmul(head.t()), -1).gather(1, targets.unsqueeze(1)).squeeze(1);
}

class Bench : public Command {
 public:
  void Declare(OptionSet& options) override {
    options.Whole("--rows", {1, 1 << 20}, rows_, "Tokens to score, N.");
    options.Whole("--vocabulary", {2, 1 << 20}, vocabulary_, "Rows of the output head, V.");
    options.Whole("--width", {1, 65536}, width_, "Width of the model, D.");
    options.Whole("--threads", {0, 1024}, threads_, "Threads of tensor operations; 0 takes one per core.");
    options.Choice("--isa", cpu::IsaChoices(), isa_, "Instruction set of the CPU kernels.");
  }

  absl::Status Run() override {
    SetTensorThreads(static_cast<int>(threads_));
    RETURN_IF_ERROR(cpu::SelectIsa(isa_));
    return CatchTorch("bench logits", [&]() -> absl::Status {
      at::manual_seed(1);
      const Json own = Measure([](const at::Tensor& hidden, const at::Tensor& head, const at::Tensor& targets) {
        return ComputeTokenLogprobs(hidden, head, targets, /*temperature=*/1.0).logprobs;
      });
      const Json held = Measure(HeldLogits);
      Json json;
      json["benchmark"] = "logits";
      json["isa"] = cpu::IsaName(cpu::ActiveIsa());
      json["rows"] = rows_;
      json["vocabulary"] = vocabulary_;
      json["width"] = width_;
      json["logits_bytes"] = LogitsBytes();
      json["plumb"] = own;
      json["held_logits"] = held;
      json["plumb_over_held"] = own["extra_bytes"].get<double>() / held["extra_bytes"].get<double>();
      std::printf("%s\n", DumpJson(json).c_str());
      return absl::OkStatus();
    });
  }

 private:
  double LogitsBytes() const { return 4.0 * static_cast<double>(rows_) * static_cast<double>(vocabulary_); }

  // Forward and backward of one scoring. Gradients stay when it is over, so they are not extra.
  Json Measure(const Scoring& score) const {
    const at::Tensor hidden = at::randn({rows_, width_}).set_requires_grad(true);                 // [N, D]
    const at::Tensor head = at::randn({vocabulary_, width_}).mul_(0.02).set_requires_grad(true);  // [V, D]
    const at::Tensor targets = at::randint(vocabulary_, {rows_}, at::kLong);                      // [N]
    const MemoryWatch watch;
    const absl::Time begin = absl::Now();
    score(hidden, head, targets).sum().neg().backward();
    Json json;
    json["seconds"] = absl::ToDoubleSeconds(absl::Now() - begin);
    const double gradients = static_cast<double>(hidden.grad().nbytes() + head.grad().nbytes());
    const double extra = watch.ExtraBytes() - gradients;
    json["gradient_bytes"] = gradients;
    json["extra_bytes"] = extra;
    json["extra_over_logits"] = extra / LogitsBytes();
    return json;
  }

  int64_t rows_ = 4096;
  int64_t vocabulary_ = 102400;
  int64_t width_ = 256;
  int64_t threads_ = 0;
  std::string isa_ = "auto";
};

}  // namespace

CommandEntry LogitsBench() {
  return {.name = "logits",
          .summary = "Memory of log-probabilities and their gradient against held logits.",
          .details =
              "Scores N tokens over V ids, forward and backward, and watches the memory of the process; then the same\n"
              "with the logits [N, V] held, as autograd does. Inputs and gradients are not counted as extra. The\n"
              "defaults need 7 GB for the second half.",
          .example = "plumb bench logits\nplumb bench logits --rows 1024 --vocabulary 32000",
          .make = [] { return std::make_unique<Bench>(); }};
}

}  // namespace plumb::cli
