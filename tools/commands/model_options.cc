#include "tools/commands/model_options.h"

#include "base/check.h"
#include "base/config.h"
#include "base/file.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "policy/kernels/cpu/select_isa.h"
#include "policy/model_size.h"
#include "policy/policy_folder.h"
#include "tools/exit_code.h"
#include "tools/model_place.h"

namespace plumb::cli {

void DeclareCompute(OptionSet& options, ComputeOptions& compute) {
  options.Choice("--dtype", {"float32", "bfloat16"}, compute.dtype, "Compute type; weights are converted on load.");
  options.Text("--device", "DEVICE", compute.device, "cpu, cuda or cuda:N.");
  options.Whole("--threads", {0, 1024}, compute.threads, "Threads of tensor operations; 0 takes one per core.");
  options.Choice("--isa", cpu::IsaChoices(), compute.isa,
                 "Instruction set of the CPU kernels; results are equal to the bit within one. auto: what PLUMB_ISA "
                 "says, else the best of the machine.");
}

absl::StatusOr<at::Device> PrepareDevice(const ComputeOptions& compute) {
  SetTensorThreads(static_cast<int>(compute.threads));
  const absl::Status isa = cpu::SelectIsa(compute.isa);
  if (absl::IsFailedPrecondition(isa)) return EnvironmentError(isa);
  RETURN_IF_ERROR(isa);
  absl::StatusOr<at::Device> parsed = ParseDevice(compute.device);
  if (absl::IsFailedPrecondition(parsed.status())) return EnvironmentError(parsed.status());
  return parsed;
}

absl::StatusOr<std::unique_ptr<TextCodec>> LoadCodec(const std::string& model) {
  RETURN_IF_ERROR(CheckModelPlace(model));
  absl::StatusOr<std::unique_ptr<TextCodec>> codec = TextCodec::Load(model);
  // Ids can go in and out all the same.
  if (absl::IsNotFound(codec.status())) return std::unique_ptr<TextCodec>();
  return codec;
}

absl::StatusOr<LoadedModel> LoadModel(const std::string& model, const ComputeOptions& compute) {
  ASSIGN_OR_RETURN(const at::Device device, PrepareDevice(compute));
  ASSIGN_OR_RETURN(const at::ScalarType dtype, ParseDtype(compute.dtype));
  ASSIGN_OR_RETURN(std::unique_ptr<TextCodec> codec, LoadCodec(model));
  ASSIGN_OR_RETURN(PolicyWeights weights, NamedFileError(LoadPolicyFolder(model, dtype, device)));
  LogInfo("plumb", "loaded ", model, ": ", NumParameters(weights.config), " parameters, ", compute.dtype, " on ",
          compute.device);
  return LoadedModel{std::move(weights), std::move(codec), device};
}

proto::EngineConfig DefaultEngineConfig() {
  proto::EngineConfig config;
  const absl::StatusOr<ConfigSources> sources = ParseConfig("", "engine", {}, config);
  PLUMB_CHECK(sources.ok()) << sources.status();
  return config;
}

}  // namespace plumb::cli
