#include "policy/policy_folder.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace plumb {

absl::StatusOr<at::Device> ParseDevice(const std::string& device) {
  if (device == "cpu") return at::Device(at::kCPU);
  int index = 0;
  const bool numbered = absl::StartsWith(device, "cuda:");
  if (device != "cuda" && !(numbered && absl::SimpleAtoi(device.substr(5), &index) && index >= 0)) {
    return absl::InvalidArgumentError(absl::StrCat("device '", device, "': expected cpu, cuda or cuda:N"));
  }
  const int count = at::hasCUDA() ? static_cast<int>(at::getNumGPUs()) : 0;
  if (index >= count) {
    return absl::FailedPreconditionError(
        absl::StrCat("device '", device, "': this machine and build offer ", count, " CUDA devices"));
  }
  return at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(index));
}

absl::StatusOr<at::ScalarType> ParseDtype(const std::string& dtype) {
  if (dtype == "float32") return at::kFloat;
  if (dtype == "bfloat16") return at::kBFloat16;
  return absl::InvalidArgumentError(absl::StrCat("dtype '", dtype, "': expected float32 or bfloat16"));
}

void SetTensorThreads(int threads) {
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  at::set_num_threads(threads > 0 ? threads : cores);
}

absl::StatusOr<PolicyWeights> LoadPolicyFolder(const std::string& path, at::ScalarType dtype, at::Device device) {
  ASSIGN_OR_RETURN(std::unique_ptr<ModelFolder> folder, ModelFolder::Open(path));
  absl::StatusOr<PolicyWeights> weights = LoadWeights(std::move(folder), dtype, device);
  if (!weights.ok()) return Annotate(weights.status(), path);
  return weights;
}

}  // namespace plumb
