#include "train/tensor_file.h"

#include <ATen/ATen.h>

#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/torch_guard.h"
#include "checkpoint/safetensors.h"

namespace plumb {
namespace {

constexpr std::pair<TensorType, at::ScalarType> kTypes[] = {
    {TensorType::kF64, at::kDouble}, {TensorType::kF32, at::kFloat}, {TensorType::kBF16, at::kBFloat16},
    {TensorType::kF16, at::kHalf},   {TensorType::kI64, at::kLong},  {TensorType::kI32, at::kInt},
    {TensorType::kI16, at::kShort},  {TensorType::kI8, at::kChar},   {TensorType::kU8, at::kByte},
    {TensorType::kBool, at::kBool},
};

absl::StatusOr<TensorType> FormatType(const std::string& name, at::ScalarType type) {
  for (const auto& [format_type, torch_type] : kTypes) {
    if (torch_type == type) return format_type;
  }
  return absl::InvalidArgumentError(absl::StrCat(name, ": element type ", c10::toString(type), " cannot be saved"));
}

absl::StatusOr<at::ScalarType> TorchType(const std::string& name, TensorType type) {
  for (const auto& [format_type, torch_type] : kTypes) {
    if (format_type == type) return torch_type;
  }
  return absl::InvalidArgumentError(absl::StrCat(name, ": element type ", TensorTypeName(type), " cannot be loaded"));
}

}  // namespace

absl::Status SaveTensors(const std::string& path, const std::map<std::string, at::Tensor>& tensors) {
  return CatchTorch(absl::StrCat("saving ", path), [&]() -> absl::Status {
    std::vector<at::Tensor> on_cpu;  // Keeps the bytes alive until they are written.
    std::vector<NamedTensorBytes> items;
    for (const auto& [name, tensor] : tensors) {
      on_cpu.push_back(tensor.detach().to(at::kCPU).contiguous());
      const at::Tensor& copy = on_cpu.back();
      ASSIGN_OR_RETURN(const TensorType type, FormatType(absl::StrCat(path, ": ", name), copy.scalar_type()));
      items.push_back({name,
                       {type, copy.sizes().vec(),
                        absl::MakeConstSpan(static_cast<const std::byte*>(copy.const_data_ptr()), copy.nbytes())}});
    }
    return WriteSafetensors(path, items);
  });
}

absl::StatusOr<std::map<std::string, at::Tensor>> LoadTensors(const std::string& path) {
  using Tensors = std::map<std::string, at::Tensor>;
  ASSIGN_OR_RETURN(const std::unique_ptr<SafetensorsFile> file, SafetensorsFile::Open(path));
  return CatchTorch(absl::StrCat("loading ", path), [&]() -> absl::StatusOr<Tensors> {
    Tensors tensors;
    for (const auto& [name, bytes] : file->tensors()) {
      ASSIGN_OR_RETURN(const at::ScalarType type, TorchType(absl::StrCat(path, ": ", name), bytes.type));
      at::Tensor tensor = at::empty(bytes.shape, type);
      if (!bytes.bytes.empty()) std::memcpy(tensor.mutable_data_ptr(), bytes.bytes.data(), bytes.bytes.size());
      tensors[name] = std::move(tensor);
    }
    return tensors;
  });
}

}  // namespace plumb
