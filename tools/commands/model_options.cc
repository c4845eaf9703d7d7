#include "tools/commands/model_options.h"

#include "base/check.h"
#include "base/config.h"
#include "base/file.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "policy/model_size.h"
#include "policy/policy_folder.h"
#include "tools/exit_code.h"
#include "tools/model_place.h"

namespace plumb::cli {

void DeclareCompute(OptionSet& options, ComputeOptions& compute) {
  options.Choice("--dtype", {"float32", "bfloat16"}, compute.dtype, "Compute type; weights are converted on load.");
  options.Text("--device", "DEVICE", compute.device, "cpu, cuda or cuda:N.");
  options.Whole("--threads", {0, 1024}, compute.threads, "Threads of tensor operations; 0 takes one per core.");
}

absl::StatusOr<at::Device> PrepareDevice(const std::string& device, int64_t threads) {
  SetTensorThreads(static_cast<int>(threads));
  absl::StatusOr<at::Device> parsed = ParseDevice(device);
  if (absl::IsFailedPrecondition(parsed.status())) return EnvironmentError(parsed.status());
  return parsed;
}

absl::StatusOr<std::unique_ptr<TextCodec>> LoadCodec(const std::string& model) {
  RETURN_IF_ERROR(CheckModelPlace(model));
  if (!FileExists(JoinPath(model, "tokenizer.json"))) return std::unique_ptr<TextCodec>();
  return TextCodec::Load(model);
}

absl::StatusOr<LoadedModel> LoadModel(const std::string& model, const ComputeOptions& compute) {
  ASSIGN_OR_RETURN(const at::Device device, PrepareDevice(compute.device, compute.threads));
  ASSIGN_OR_RETURN(const at::ScalarType dtype, ParseDtype(compute.dtype));
  ASSIGN_OR_RETURN(std::unique_ptr<TextCodec> codec, LoadCodec(model));
  ASSIGN_OR_RETURN(PolicyWeights weights, LoadPolicyFolder(model, dtype, device));
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
