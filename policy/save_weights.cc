#include <ATen/ATen.h>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/torch_guard.h"
#include "checkpoint/model_folder.h"
#include "policy/weights.h"

namespace plumb {
namespace {

absl::StatusOr<TensorType> StoredType(at::ScalarType type) {
  if (type == at::kFloat) return TensorType::kF32;
  if (type == at::kBFloat16) return TensorType::kBF16;
  return absl::InvalidArgumentError(absl::StrCat("weights of type ", c10::toString(type), " cannot be saved"));
}

// The tensor as it is stored: on the CPU, contiguous. The router computes in float32, but a published model has it in
// its own type: it is written so where that loses nothing. The correction bias is float32 in every published model.
at::Tensor Stored(const PublishedTensor& tensor, at::ScalarType dtype) {
  const at::Tensor value = tensor.view.detach().to(at::kCPU).contiguous();
  if (value.scalar_type() == dtype || value.dim() < 2) return value;
  const at::Tensor narrow = value.to(dtype);
  return narrow.to(value.scalar_type()).equal(value) ? narrow : value;
}

Json ConfigWithDtype(const ModelConfig& config, at::ScalarType dtype) {
  Json json = config.source;
  const char* key = json.contains("dtype") ? "dtype" : "torch_dtype";
  json[key] = dtype == at::kFloat ? "float32" : "bfloat16";
  // Layers for multi-token prediction are not loaded, so they are not there to be written.
  if (config.num_mtp_layers > 0) json["num_nextn_predict_layers"] = 0;
  return json;
}

}  // namespace

absl::Status SaveWeights(const PolicyWeights& weights, const std::string& path, const std::string& copy_from) {
  return CatchTorch("SaveWeights", [&]() -> absl::Status {
    const at::ScalarType dtype = weights.embed.scalar_type();
    ModelFolderContent content;
    content.config = ConfigWithDtype(weights.config, dtype);
    content.copy_text_files_from = copy_from;
    std::vector<at::Tensor> kept;  // owns the bytes that `content` borrows
    for (const PublishedTensor& tensor : PublishedTensors(weights)) {
      kept.push_back(Stored(tensor, dtype));
      const at::Tensor& value = kept.back();
      ASSIGN_OR_RETURN(const TensorType type, StoredType(value.scalar_type()));
      const absl::Span<const std::byte> bytes(static_cast<const std::byte*>(value.const_data_ptr()), value.nbytes());
      content.tensors.push_back({tensor.name, TensorBytes{type, value.sizes().vec(), bytes}});
    }
    return WriteModelFolder(path, content);
  });
}

}  // namespace plumb
