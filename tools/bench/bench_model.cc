#include "tools/bench/bench_model.h"

#include <ATen/ATen.h>
#include <sys/resource.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/file.h"
#include "base/status_macros.h"
#include "base/torch_guard.h"
#include "policy/kernels/cpu/select_isa.h"
#include "policy/model_size.h"
#include "policy/policy_folder.h"
#include "policy/presets.h"
#include "tools/exit_code.h"
#include "tools/model_place.h"

namespace plumb::cli {
namespace {

constexpr int64_t kNumSpecialIds = 16;
constexpr int64_t kMaxCount = 65536;

int64_t PresetVocabulary(const std::string& preset) { return preset == "bench-p" ? 8192 : 4096; }

absl::StatusOr<BenchModel> MakePreset(const std::string& name, at::ScalarType dtype) {
  ASSIGN_OR_RETURN(const Json json, PresetConfig(name, PresetVocabulary(name), /*bos_id=*/0, /*eos_id=*/1));
  ASSIGN_OR_RETURN(const ModelConfig config, ParseModelConfig(json));
  BenchModel model;
  model.name = name;
  RETURN_IF_ERROR(CatchTorch("random weights", [&]() -> absl::Status {
    model.weights = RandomWeights(config, dtype, at::kCPU, /*seed=*/1);
    return absl::OkStatus();
  }));
  return model;
}

absl::StatusOr<BenchModel> LoadFolder(const std::string& path, at::ScalarType dtype) {
  RETURN_IF_ERROR(CheckModelPlace(path));
  BenchModel model;
  const std::vector<std::string> parts = absl::StrSplit(path, '/', absl::SkipEmpty());
  model.name = parts.empty() ? path : parts.back();
  ASSIGN_OR_RETURN(model.weights, NamedFileError(LoadPolicyFolder(path, dtype, at::kCPU)));
  absl::StatusOr<std::unique_ptr<TextCodec>> codec = TextCodec::Load(path);
  if (absl::IsNotFound(codec.status())) return model;
  RETURN_IF_ERROR(codec.status());
  model.codec = *std::move(codec);
  return model;
}

uint64_t Mix(uint64_t value) {
  value += 0x9E3779B97F4A7C15u;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

}  // namespace

void DeclareBenchModel(OptionSet& options, BenchModelOptions& model) {
  options.Text("--model", "DIR", model.model, "Policy folder to measure.");
  options.Text("--preset", "NAME", model.preset,
               absl::StrCat("Without --model, random weights of a preset: ", absl::StrJoin(PresetNames(), ", "), "."));
  options.Choice("--dtype", {"float32", "bfloat16"}, model.dtype, "Compute type; weights are converted on load.");
  options.Whole("--threads", {0, 1024}, model.threads, "Threads of tensor operations; 0 takes one per core.");
  options.Choice("--isa", cpu::IsaChoices(), model.isa, "Instruction set of the CPU kernels.");
  options.Whole("--rounds", {1, 1000}, model.num_rounds, "Rounds that are timed, after one that is not.");
}

absl::StatusOr<BenchModel> OpenBenchModel(const BenchModelOptions& options) {
  SetTensorThreads(static_cast<int>(options.threads));
  RETURN_IF_ERROR(cpu::SelectIsa(options.isa));
  ASSIGN_OR_RETURN(const at::ScalarType dtype, ParseDtype(options.dtype));
  ASSIGN_OR_RETURN(BenchModel model,
                   options.model.empty() ? MakePreset(options.preset, dtype) : LoadFolder(options.model, dtype));
  if (model.weights.config.vocab_size <= kNumSpecialIds) {
    return absl::InvalidArgumentError(
        absl::StrCat(model.name, ": vocab_size is ", model.weights.config.vocab_size, ", expected more than 16"));
  }
  return model;
}

Json BenchHead(const std::string& benchmark, const BenchModel& model, const BenchModelOptions& options) {
  const ParameterCounts counts = CountParameters(model.weights.config);
  Json json;
  json["benchmark"] = benchmark;
  json["model"] = model.name;
  json["dtype"] = options.dtype;
  json["parameters"] = counts.total;
  json["active_parameters"] = counts.active;
  return json;
}

std::vector<int64_t> BenchIds(int64_t row, int64_t count, int64_t vocab_size) {
  std::vector<int64_t> ids;
  ids.reserve(count);
  for (int64_t position = 0; position < count; ++position) {
    const uint64_t mixed = Mix((static_cast<uint64_t>(row) << 32) + static_cast<uint64_t>(position));
    ids.push_back(kNumSpecialIds + static_cast<int64_t>(mixed % static_cast<uint64_t>(vocab_size - kNumSpecialIds)));
  }
  return ids;
}

absl::StatusOr<std::vector<int64_t>> ParseCounts(const std::string& name, const std::string& text) {
  std::vector<int64_t> counts;
  for (const absl::string_view word : absl::StrSplit(text, ',')) {
    int64_t count = 0;
    if (!absl::SimpleAtoi(word, &count) || count < 1 || count > kMaxCount) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": '", word, "' in '", text, "', expected whole numbers from 1 to ", kMaxCount));
    }
    counts.push_back(count);
  }
  return counts;
}

double PeakMemoryBytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024.0;
}

}  // namespace plumb::cli
