#ifndef PLUMB_POLICY_POLICY_FOLDER_H_
#define PLUMB_POLICY_POLICY_FOLDER_H_

#include <string>

#include "absl/status/statusor.h"
#include "policy/weights.h"

namespace plumb {

// "cpu", "cuda", "cuda:1".
// Errors: kInvalidArgument for another text; kFailedPrecondition where there is no such device.
absl::StatusOr<at::Device> ParseDevice(const std::string& device);

// "float32" or "bfloat16". Errors: kInvalidArgument.
absl::StatusOr<at::ScalarType> ParseDtype(const std::string& dtype);

// Sets the threads of tensor operations; 0 takes one per core. Once per process, before the first operation.
void SetTensorThreads(int threads);

// Opens a policy folder and loads its weights. Errors: as ModelFolder::Open, ParseModelConfig and LoadWeights.
absl::StatusOr<PolicyWeights> LoadPolicyFolder(const std::string& path, at::ScalarType dtype, at::Device device);

}  // namespace plumb

#endif  // PLUMB_POLICY_POLICY_FOLDER_H_
