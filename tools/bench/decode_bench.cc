#include "base/status_macros.h"
#include "tools/bench/benchmarks.h"
#include "tools/bench/generation_rates.h"

namespace plumb::cli {
namespace {

class Bench : public Command {
 public:
  void Declare(OptionSet& options) override {
    DeclareBenchModel(options, model_);
    options.Text("--batch", "LIST", batches_, "Numbers of sequences that are decoded together.");
    options.Whole("--prompt", {1, 1 << 20}, prompt_, "Tokens of each prompt.");
    options.Whole("--new", {2, 1 << 20}, new_, "Tokens that are sampled for each prompt.");
  }

  absl::Status Run() override {
    ASSIGN_OR_RETURN(const std::vector<int64_t> batches, ParseCounts("--batch", batches_));
    ASSIGN_OR_RETURN(const BenchModel model, OpenBenchModel(model_));
    std::vector<GenerationCase> cases;
    for (const int64_t batch : batches) cases.push_back({batch, prompt_, new_});
    return PrintGeneration("decode", model, model_, cases);
  }

 private:
  BenchModelOptions model_;
  std::string batches_ = "1,8,64";
  int64_t prompt_ = 128;
  int64_t new_ = 128;
};

}  // namespace

CommandEntry DecodeBench() {
  return {.name = "decode",
          .summary = "Tokens per second of the rollout engine when it decodes.",
          .details =
              "Samples at temperature 1 through the rollout engine, in turn with measurements of the machine's memory\n"
              "bandwidth and FMA peak; decode.share_of_bound says how near a result is to what they allow for the\n"
              "model's shapes. The digest is of all sampled ids and log-probabilities: equal digests, equal bits.\n"
              "The machine should be idle.",
          .example = "plumb bench decode\nplumb bench decode --preset bench-p --batch 1,32 --new 32 --threads 2",
          .make = [] { return std::make_unique<Bench>(); }};
}

}  // namespace plumb::cli
