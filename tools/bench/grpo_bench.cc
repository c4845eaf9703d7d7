#include <sys/resource.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/config.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "grpo/grpo_run.h"
#include "policy/kernels/cpu/select_isa.h"
#include "policy/policy_folder.h"
#include "tools/bench/bench_model.h"
#include "tools/bench/bench_prompts.h"
#include "tools/bench/benchmarks.h"
#include "tools/bench/limit_rounds.h"
#include "tools/model_place.h"

namespace plumb::cli {
namespace {

constexpr const char* kPhases[] = {"rollout", "reward", "train", "sync", "step"};
constexpr int kLimitRounds = 3;
constexpr int kNumVerifiers = 10;

// A verifier per character of a completion, with weights 1, 1/2, 1/4, ...: hardly two completions have equal rewards,
// so that every one has an advantage and is trained on.
std::string Verifiers() {
  std::vector<std::string> verifiers;
  double weight = 1;
  for (int position = 0; position < kNumVerifiers; ++position, weight /= 2) {
    verifiers.push_back(
        absl::StrCat("{name: regex, pattern: '(?s)^.{", 3 * position, "}[a-m]', weight: ", weight, "}"));
  }
  return absl::StrCat("[", absl::StrJoin(verifiers, ", "), "]");
}

// A temporary folder that goes with this object.
struct WorkFolder {
  std::string path;
  ~WorkFolder() { (void)RemoveFolder(path); }
};

class Bench : public Command {
 public:
  void Declare(OptionSet& options) override {
    options.Required("--model", "DIR", model_.model, "Policy folder to train, with a tokenizer.json.");
    options.Text("--data", "FILE", data_, "JSONL rows with prompt; else texts of --prompt tokens are made.");
    options.Whole("--prompts", {1, 65536}, num_prompts_, "Prompts of a step.");
    options.Whole("--group-size", {2, 4096}, group_size_, "Completions per prompt.");
    options.Whole("--prompt", {1, 65536}, prompt_, "Tokens of each prompt.");
    options.Whole("--new", {1, 65536}, new_, "Tokens of each completion.");
    options.Whole("--micro-batch-tokens", {1, 1 << 24}, micro_batch_tokens_,
                  "Tokens of one forward and backward pass.");
    options.Choice("--dtype", {"float32", "bfloat16"}, model_.dtype, "Compute type of trainer and worker.");
    options.Whole("--threads", {0, 1024}, model_.threads, "Threads of trainer and worker; 0 takes one per core.");
    options.Whole("--rounds", {1, 1000}, model_.num_rounds, "Steps that are timed, after one that is not.");
  }

  absl::Status Run() override {
    SetTensorThreads(static_cast<int>(model_.threads));
    RETURN_IF_ERROR(cpu::SelectIsa("auto"));
    RETURN_IF_ERROR(CheckModelPlace(model_.model));
    LimitRounds limits;
    for (int i = 0; i < kLimitRounds; ++i) limits.Measure();
    WorkFolder work;
    ASSIGN_OR_RETURN(work.path, MakeTemporaryFolder("plumb-bench-grpo-"));
    ASSIGN_OR_RETURN(const std::string data, Data(work.path));
    const std::string output = JoinPath(work.path, "run");
    proto::GrpoConfig config;
    ASSIGN_OR_RETURN(const ConfigSources sources, ParseConfig("", "bench", Settings(data, output), config));
    const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
    RETURN_IF_ERROR(RunGrpo(config, sources, Resume::kNo, program));
    for (int i = 0; i < kLimitRounds; ++i) limits.Measure();
    return Print(output, limits);
  }

 private:
  absl::StatusOr<std::string> Data(const std::string& folder) const {
    if (!data_.empty()) return data_;
    ASSIGN_OR_RETURN(const std::unique_ptr<TextCodec> codec, TextCodec::Load(model_.model));
    ASSIGN_OR_RETURN(const std::vector<std::string> prompts,
                     ExactPrompts(*codec, num_prompts_ * (model_.num_rounds + 1), prompt_));
    std::string rows;
    for (const std::string& prompt : prompts) absl::StrAppend(&rows, DumpJson(Json{{"prompt", prompt}}), "\n");
    const std::string file = JoinPath(folder, "prompts.jsonl");
    RETURN_IF_ERROR(WriteFileAtomic(file, rows));
    return file;
  }

  std::vector<std::string> Settings(const std::string& data, const std::string& output) const {
    return {absl::StrCat("model=", model_.model),
            absl::StrCat("output=", output),
            absl::StrCat("steps=", model_.num_rounds + 1),
            absl::StrCat("prompts_per_step=", num_prompts_),
            absl::StrCat("group_size=", group_size_),
            absl::StrCat("micro_batch_tokens=", micro_batch_tokens_),
            absl::StrCat("data.file=", data),
            "data.use_chat_template=false",
            absl::StrCat("sampling.max_new_tokens=", new_),
            absl::StrCat("reward.verifiers=", Verifiers()),
            "checkpoint.every_steps=0",
            absl::StrCat("compute.dtype=", model_.dtype),
            absl::StrCat("compute.threads=", model_.threads),
            absl::StrCat("rollout.compute.dtype=", model_.dtype),
            absl::StrCat("rollout.compute.threads=", model_.threads)};
  }

  // The steps' metrics without the first.
  absl::StatusOr<std::vector<Json>> Steps(const std::string& output) const {
    const std::string file = JoinPath(output, "metrics.jsonl");
    ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
    std::vector<Json> steps;
    for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
      ASSIGN_OR_RETURN(Json step, ParseJson(line, file));
      if (step["step"].get<int64_t>() > 1) steps.push_back(std::move(step));
    }
    if (static_cast<int64_t>(steps.size()) == model_.num_rounds) return steps;
    return absl::InternalError(
        absl::StrCat(file, ": has ", steps.size(), " timed steps, expected ", model_.num_rounds));
  }

  // A group's prompt is computed once for the rollout, and with each completion for the training.
  double LeastStepSeconds(const ModelConfig& config, const LimitRounds& limits) const {
    const int64_t sequences = num_prompts_ * group_size_;
    const double context = static_cast<double>(prompt_) + static_cast<double>(new_) / 2;
    const auto least = [&](const Work& work) {
      return LeastSeconds(work, limits.bytes_per_second(), limits.flops_per_second());
    };
    const int64_t element_bytes = model_.dtype == "float32" ? 4 : 2;
    return least(PrefillWork(config, num_prompts_, prompt_, element_bytes)) +
           static_cast<double>(new_ - 1) * least(DecodeWork(config, sequences, context, element_bytes)) +
           least(TrainWork(config, sequences * (prompt_ + new_), prompt_ + new_));
  }

  absl::Status Print(const std::string& output, const LimitRounds& limits) {
    ASSIGN_OR_RETURN(const std::vector<Json> steps, Steps(output));
    ASSIGN_OR_RETURN(const BenchModel model, OpenBenchModel(model_));
    Json json = BenchHead("grpo", model, model_);
    json.update(limits.ToJson());
    json["prompts"] = num_prompts_;
    json["group_size"] = group_size_;
    json["prompt"] = prompt_;
    json["new"] = new_;
    json["micro_batch_tokens"] = micro_batch_tokens_;
    for (const char* phase : kPhases) json["seconds"][phase] = MedianOf(Values(steps, absl::StrCat("time/", phase)));
    json["step_seconds"] = Values(steps, "time/step");
    json["completion_tokens"] = MedianOf(Values(steps, "completion_length/mean"));
    const double step = json["seconds"]["step"], rollout = json["seconds"]["rollout"];
    const double generated = static_cast<double>(num_prompts_ * group_size_) * json["completion_tokens"].get<double>();
    json["generated_tokens_per_second"] = generated / step;
    json["rollout_tokens_per_second"] = generated / rollout;
    const double least = LeastStepSeconds(model.weights.config, limits);
    json["bound_seconds"] = least;
    json["share_of_bound"] = least / step;
    json["peak_memory_gigabytes"] = PeakMemoryBytes() / 1e9;
    rusage children = {};
    getrusage(RUSAGE_CHILDREN, &children);
    json["worker_peak_memory_gigabytes"] = static_cast<double>(children.ru_maxrss) * 1024.0 / 1e9;
    std::printf("%s\n", DumpJson(json).c_str());
    return absl::OkStatus();
  }

  static std::vector<double> Values(const std::vector<Json>& steps, const std::string& key) {
    std::vector<double> values;
    for (const Json& step : steps) values.push_back(step.value(key, 0.0));
    return values;
  }

  BenchModelOptions model_;
  std::string data_;
  int64_t num_prompts_ = 8;
  int64_t group_size_ = 8;
  int64_t prompt_ = 64;
  int64_t new_ = 128;
  int64_t micro_batch_tokens_ = 2048;
};

}  // namespace

CommandEntry GrpoBench() {
  return {.name = "grpo",
          .summary = "Seconds of one GRPO step and of its parts.",
          .details =
              "Runs the trainer of `plumb grpo` in a temporary run folder, with a local rollout worker and a local\n"
              "reward process over gRPC, and reads the times that it records. Completions end at --new tokens unless\n"
              "the policy draws an end token: completion_tokens has their mean length. bound_seconds is what the\n"
              "machine's limits, measured before and after, allow for the model's shapes, with every prompt computed\n"
              "once for the rollout and once with each completion for the training. The environment variable\n"
              "PLUMB_ISA pins the instruction set. The machine should be idle.",
          .example =
              "plumb init --preset bench-t --tokenizer examples/arithmetic/tokenizer.json --out bench-t\n"
              "plumb bench grpo --model bench-t",
          .make = [] { return std::make_unique<Bench>(); }};
}

}  // namespace plumb::cli
