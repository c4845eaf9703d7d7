#include <algorithm>
#include <iostream>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/check.h"
#include "base/config.h"
#include "base/file.h"
#include "base/json.h"
#include "base/status_macros.h"
#include "policy/model_size.h"
#include "tools/commands/commands.h"
#include "tools/machine_memory.h"
#include "tools/models/memory_plan.h"
#include "tools/models/parameter_amount.h"

namespace plumb::cli {
namespace {

// What a stage's configuration needs and a plan does not read.
constexpr char kSftDefaults[] = "{model: m, output: o, data: {file: d}}";
constexpr char kGrpoDefaults[] = "{model: m, output: o, data: {file: d}, reward: {verifiers: [{name: math}]}}";

template <typename Config>
Config Defaults(const char* yaml) {
  Config config;
  const absl::StatusOr<ConfigSources> parsed = ParseConfig(yaml, "defaults", {}, config);
  PLUMB_CHECK(parsed.ok()) << parsed.status();
  return config;
}

absl::StatusOr<ModelConfig> ReadModelConfig(const std::string& file) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  ASSIGN_OR_RETURN(const Json json, ParseJson(text, file));
  absl::StatusOr<ModelConfig> config = ParseModelConfig(json);
  if (!config.ok()) return Annotate(config.status(), file);
  return config;
}

// A model and the stages that a file asks for.
struct Plan {
  std::string model;
  ModelConfig config;
  std::string device = "cpu";
  std::vector<StageMemory> stages;
};

absl::StatusOr<Plan> PlanOfModel(const std::string& file) {
  Plan plan;
  plan.model = file;
  ASSIGN_OR_RETURN(plan.config, ReadModelConfig(file));
  plan.stages = {LoadMemory(plan.config, "bfloat16"), LoadMemory(plan.config, "float32"),
                 SftMemory(plan.config, Defaults<proto::SftConfig>(kSftDefaults)),
                 GrpoMemory(plan.config, Defaults<proto::GrpoConfig>(kGrpoDefaults))};
  return plan;
}

template <typename Config>
absl::StatusOr<Plan> PlanOfStage(const std::string& file, const std::vector<std::string>& overrides,
                                 StageMemory (*memory)(const ModelConfig&, const Config&)) {
  Config config;
  RETURN_IF_ERROR(LoadConfig(file, overrides, config).status());
  Plan plan;
  plan.model = config.model();
  plan.device = config.compute().device();
  ASSIGN_OR_RETURN(plan.config, ReadModelConfig(JoinPath(config.model(), "config.json")));
  plan.stages = {LoadMemory(plan.config, config.compute().dtype()), memory(plan.config, config)};
  return plan;
}

int64_t NumLines(const absl::Status& status) {
  return std::count(status.message().begin(), status.message().end(), '\n');
}

class PlanMemory : public Command {
 public:
  void Declare(OptionSet& options) override {
    options.Required("--config", "FILE", config_, "Configuration of a stage, or the config.json of a model.");
    options.List("--set", "KEY=VALUE", overrides_, "Overrides a value of a stage's configuration.");
    options.Number("--memory", {.min = 0}, memory_gigabytes_,
                   "Memory in GB to plan for, of another machine or of a GPU; 0 takes what is free here.");
    options.Flag("--json", json_, "Print one JSON object.");
  }

  absl::Status Run() override {
    ASSIGN_OR_RETURN(const Plan plan, Read());
    json_ ? PrintJson(plan) : Print(plan);
    return CheckFits(plan);
  }

 private:
  // A file of a stage says by its keys which one it is.
  absl::StatusOr<Plan> Read() const {
    if (FolderExists(config_)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--config: ", config_, " is a folder, expected the configuration of a stage or a model's config.json"));
    }
    if (absl::EndsWith(config_, ".json")) {
      if (overrides_.empty()) return PlanOfModel(config_);
      return absl::InvalidArgumentError(absl::StrCat(
          "--set: ", config_, " is a model's, which has no keys of a stage; give the configuration of a stage, with ",
          "--set model=FOLDER"));
    }
    absl::StatusOr<Plan> sft = PlanOfStage<proto::SftConfig>(config_, overrides_, SftMemory);
    if (sft.ok() || absl::IsNotFound(sft.status())) return sft;
    absl::StatusOr<Plan> grpo = PlanOfStage<proto::GrpoConfig>(config_, overrides_, GrpoMemory);
    if (grpo.ok() || NumLines(grpo.status()) <= NumLines(sft.status())) return grpo;
    return sft;
  }

  // The memory to compare with; nothing where it is not known.
  std::optional<double> MemoryBytes(const Plan& plan) const {
    if (memory_gigabytes_ > 0) return memory_gigabytes_ * 1e9;
    const double available = plan.device == "cpu" ? AvailableMemoryBytes() : 0;
    return available > 0 ? std::optional<double>(available) : std::nullopt;
  }

  std::string Verdict(const Plan& plan, double bytes) const {
    const std::optional<double> memory = MemoryBytes(plan);
    if (!memory.has_value()) {
      return absl::StrCat("not compared: the memory of ", plan.device, " is not known here; --memory tells it");
    }
    return absl::StrFormat("%s: %.1f GB are %s", bytes <= *memory ? "fits" : "does not fit", *memory / 1e9,
                           memory_gigabytes_ > 0 ? "given" : "free");
  }

  // The answer for scripts, after all is printed.
  absl::Status CheckFits(const Plan& plan) const {
    const std::optional<double> memory = MemoryBytes(plan);
    std::vector<std::string> too_large;
    for (const StageMemory& stage : plan.stages) {
      if (!memory.has_value() || stage.Total() <= *memory) continue;
      too_large.push_back(absl::StrFormat("%s (%.3f GB)", stage.stage, stage.Total() / 1e9));
    }
    if (too_large.empty()) return absl::OkStatus();
    return absl::ResourceExhaustedError(absl::StrFormat("%s: does not fit into %.3f GB: %s", plan.model, *memory / 1e9,
                                                        absl::StrJoin(too_large, ", ")));
  }

  void Print(const Plan& plan) const {
    const ParameterCounts counts = CountParameters(plan.config);
    std::cout << plan.model << ": " << ParameterAmount(counts.total) << " parameters, "
              << ParameterAmount(counts.active) << " active per token\n";
    for (const StageMemory& stage : plan.stages) {
      std::cout << "\n" << stage.stage << "\n";
      for (const MemoryPart& part : stage.parts) {
        std::cout << absl::StrFormat("  %-42s %12.3f GB%s\n", part.name, part.bytes / 1e9,
                                     part.estimate ? "  (estimate)" : "");
      }
      std::cout << absl::StrFormat("  %-42s %12.3f GB  %s\n", "together", stage.Total() / 1e9,
                                   Verdict(plan, stage.Total()));
    }
  }

  void PrintJson(const Plan& plan) const {
    const std::optional<double> memory = MemoryBytes(plan);
    Json object = {{"model", plan.model}, {"available_bytes", memory.has_value() ? Json(*memory) : Json()}};
    for (const StageMemory& stage : plan.stages) {
      Json parts = Json::object();
      for (const MemoryPart& part : stage.parts) parts[part.name] = part.bytes;
      const Json fits = memory.has_value() ? Json(stage.Total() <= *memory) : Json();
      object["stages"].push_back(
          {{"stage", stage.stage}, {"parts", parts}, {"total_bytes", stage.Total()}, {"fits", fits}});
    }
    std::cout << DumpJson(object) << "\n";
  }

  std::string config_;
  std::vector<std::string> overrides_;
  double memory_gigabytes_ = 0.0;
  bool json_ = false;
};

}  // namespace

CommandEntry PlanCommand() {
  return {.name = "plan",
          .summary = "Memory of loading, SFT and GRPO, before anything is started.",
          .details =
              "With a model's config.json all stages are shown with their defaults. Weights, gradients, optimizer and\n"
              "cache are exact; activations and logits are estimates. Exit code 3 where one of the shown does not fit.",
          .example =
              "plumb plan --config examples/arithmetic/grpo.yaml --set model=policy\n"
              "plumb plan --config DeepSeek-V2-Lite/config.json --memory 80",
          .make = [] { return std::make_unique<PlanMemory>(); }};
}

}  // namespace plumb::cli
