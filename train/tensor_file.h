#ifndef PLUMB_TRAIN_TENSOR_FILE_H_
#define PLUMB_TRAIN_TENSOR_FILE_H_

#include <ATen/core/Tensor.h>

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace plumb {

// Writes tensors of any device as one safetensors file and syncs it.
// Errors: kInvalidArgument for an element type that the format lacks, naming the tensor; those of WriteSafetensors.
absl::Status SaveTensors(const std::string& path, const std::map<std::string, at::Tensor>& tensors);

// Reads all tensors of a safetensors file, as copies on the CPU. Errors: those of SafetensorsFile::Open;
// kInvalidArgument for an element type that LibTorch lacks.
absl::StatusOr<std::map<std::string, at::Tensor>> LoadTensors(const std::string& path);

}  // namespace plumb

#endif  // PLUMB_TRAIN_TENSOR_FILE_H_
