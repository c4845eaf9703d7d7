#include "base/status_macros.h"
#include "tools/bench/benchmarks.h"
#include "tools/bench/generation_rates.h"

namespace plumb::cli {
namespace {

class Bench : public Command {
 public:
  void Declare(OptionSet& options) override {
    DeclareBenchModel(options, model_);
    options.Text("--batch", "LIST", batches_, "Numbers of prompts that are computed together.");
    options.Text("--prompt", "LIST", prompts_, "Lengths of the prompts in tokens.");
  }

  absl::Status Run() override {
    ASSIGN_OR_RETURN(const std::vector<int64_t> batches, ParseCounts("--batch", batches_));
    ASSIGN_OR_RETURN(const std::vector<int64_t> prompts, ParseCounts("--prompt", prompts_));
    ASSIGN_OR_RETURN(const BenchModel model, OpenBenchModel(model_));
    std::vector<GenerationCase> cases;
    for (const int64_t prompt : prompts) {
      for (const int64_t batch : batches) cases.push_back({batch, prompt, /*new_tokens=*/1});
    }
    return PrintGeneration("prefill", model, model_, cases);
  }

 private:
  BenchModelOptions model_;
  std::string batches_ = "1,8,64";
  std::string prompts_ = "128";
};

}  // namespace

CommandEntry PrefillBench() {
  return {.name = "prefill",
          .summary = "Tokens per second of the rollout engine when it computes prompts.",
          .details =
              "One engine step computes all prompts of a case and samples the first token of each, in turn with\n"
              "measurements of the machine's limits; prefill.share_of_bound says how near a result is to what they\n"
              "allow for the model's shapes. The machine should be idle.",
          .example = "plumb bench prefill\nplumb bench prefill --preset bench-p --batch 1 --prompt 256,1024",
          .make = [] { return std::make_unique<Bench>(); }};
}

}  // namespace plumb::cli
