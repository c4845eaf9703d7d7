#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>

#include "absl/time/clock.h"
#include "base/config.h"
#include "base/status_macros.h"
#include "sft/sft_batch.h"
#include "sft/sft_updater.h"
#include "tools/bench/bench_model.h"
#include "tools/bench/benchmarks.h"
#include "tools/bench/limit_rounds.h"

namespace plumb::cli {
namespace {

constexpr double kLearningRate = 1e-4;

// One way to cut the step, and what its rounds took.
struct MicroBatchCase {
  int64_t micro_batch_tokens = 0;
  SftBatch batch;
  std::vector<double> forward, backward, step;  // seconds: without gradients; with them; with clipping and AdamW too
};

absl::StatusOr<double> SecondsOf(const std::function<absl::Status()>& work) {
  const absl::Time begin = absl::Now();
  RETURN_IF_ERROR(work());
  return absl::ToDoubleSeconds(absl::Now() - begin);
}

class Bench : public Command {
 public:
  void Declare(OptionSet& options) override {
    DeclareBenchModel(options, model_);
    options.Whole("--batch", {1, 65536}, num_rows_, "Rows of one optimizer step.");
    options.Whole("--length", {2, 65536}, length_, "Tokens of each row; all but the first are trained.");
    options.Text("--micro-batch-tokens", "LIST", micro_batches_,
                 "Tokens of one forward and backward pass; the fastest one is the result.");
  }

  absl::Status Run() override {
    ASSIGN_OR_RETURN(const std::vector<int64_t> sizes, ParseCounts("--micro-batch-tokens", micro_batches_));
    ASSIGN_OR_RETURN(BenchModel model, OpenBenchModel(model_));
    std::vector<MicroBatchCase> cases = Cases(sizes, model.weights.config.vocab_size);
    proto::OptimizerConfig config;
    RETURN_IF_ERROR(ParseConfig("", "optimizer", {}, config).status());
    SftUpdater updater(&model.weights, config);
    LimitRounds limits;
    for (int64_t round = 0; round <= model_.num_rounds; ++round) {
      if (round > 0) limits.Measure();
      for (MicroBatchCase& one : cases) RETURN_IF_ERROR(RunRound(updater, round > 0, one));
    }
    Print(model, cases, limits);
    return absl::OkStatus();
  }

 private:
  std::vector<MicroBatchCase> Cases(const std::vector<int64_t>& sizes, int64_t vocab_size) const {
    std::vector<SftRow> rows(num_rows_);
    std::vector<const SftRow*> pointers;
    for (int64_t r = 0; r < num_rows_; ++r) {
      rows[r].ids = BenchIds(r, length_, vocab_size);
      rows[r].train_mask.assign(length_, true);
      rows[r].train_mask[0] = false;
      pointers.push_back(&rows[r]);
    }
    std::vector<MicroBatchCase> cases;
    for (const int64_t size : sizes) cases.push_back({size, PackSftBatch(pointers, size, at::kCPU), {}, {}, {}});
    return cases;
  }

  static absl::Status RunRound(SftUpdater& updater, bool counts, MicroBatchCase& one) {
    ASSIGN_OR_RETURN(const double forward, SecondsOf([&] { return updater.Evaluate(one.batch).status(); }));
    ASSIGN_OR_RETURN(const double backward, SecondsOf([&] { return updater.Backward(one.batch).status(); }));
    ASSIGN_OR_RETURN(const double step, SecondsOf([&] { return updater.Update(one.batch, kLearningRate).status(); }));
    if (!counts) return absl::OkStatus();  // pages and caches are warm now
    one.forward.push_back(forward);
    one.backward.push_back(backward);
    one.step.push_back(step);
    return absl::OkStatus();
  }

  Json CaseJson(const BenchModel& model, const MicroBatchCase& one, const LimitRounds& limits) const {
    const int64_t tokens = num_rows_ * length_;
    Json json;
    json["micro_batch_tokens"] = one.micro_batch_tokens;
    json["step"] =
        limits.RateJson(static_cast<double>(tokens), one.step, TrainWork(model.weights.config, tokens, length_));
    const double forward = MedianOf(one.forward), backward = MedianOf(one.backward), step = MedianOf(one.step);
    json["forward_seconds"] = forward;
    json["backward_seconds"] = backward - forward;
    json["clip_and_adamw_seconds"] = step - backward;
    return json;
  }

  void Print(const BenchModel& model, const std::vector<MicroBatchCase>& cases, const LimitRounds& limits) const {
    Json json = BenchHead("sft", model, model_);
    json.update(limits.ToJson());
    json["rows"] = num_rows_;
    json["length"] = length_;
    json["cases"] = Json::array();
    for (const MicroBatchCase& one : cases) json["cases"].push_back(CaseJson(model, one, limits));
    const auto best = std::min_element(
        cases.begin(), cases.end(), [](const auto& a, const auto& b) { return MedianOf(a.step) < MedianOf(b.step); });
    json["best"] = CaseJson(model, *best, limits);
    json["peak_memory_gigabytes"] = PeakMemoryBytes() / 1e9;
    std::printf("%s\n", DumpJson(json).c_str());
  }

  BenchModelOptions model_;
  int64_t num_rows_ = 16;
  int64_t length_ = 512;
  std::string micro_batches_ = "512,1024,2048,4096,8192";
};

}  // namespace

CommandEntry SftBench() {
  return {
      .name = "sft",
      .summary = "Tokens per second of one SFT step.",
      .details =
          "A step as `plumb sft` takes it: forward and backward of all micro batches, clipping, AdamW; in turn with\n"
          "measurements of the machine's limits. best.step.share_of_bound is the share of the FMA peak that the\n"
          "model's operations need, without computing anything again. backward_seconds is forward and backward\n"
          "with gradients less a forward without. The machine should be idle.",
      .example = "plumb bench sft\nplumb bench sft --batch 4 --length 2048 --micro-batch-tokens 2048,4096",
      .make = [] { return std::make_unique<Bench>(); }};
}

}  // namespace plumb::cli
