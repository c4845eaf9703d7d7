#include <ATen/ATen.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/torch_guard.h"
#include "checkpoint/model_folder.h"
#include "checkpoint/number_formats.h"
#include "policy/export/config_spelling.h"
#include "policy/kept_mtp.h"
#include "policy/weights.h"

namespace plumb {
namespace {

absl::StatusOr<TensorType> StoredType(at::ScalarType type) {
  if (type == at::kFloat) return TensorType::kF32;
  if (type == at::kBFloat16) return TensorType::kBF16;
  return absl::InvalidArgumentError(absl::StrCat("weights of type ", c10::toString(type), " cannot be saved"));
}

// The type that a tensor is stored in. The router computes in float32, but a published model has it in its own type: it
// is written so where that loses nothing. The correction bias is float32 in every published model.
at::ScalarType TypeToStore(const at::Tensor& value, at::ScalarType dtype) {
  if (value.scalar_type() == dtype || value.dim() < 2) return value.scalar_type();
  const at::Tensor wide = value.detach();
  return wide.to(dtype).to(value.scalar_type()).equal(wide) ? dtype : value.scalar_type();
}

// A buffer's part; it is brought to the CPU when its turn comes.
absl::StatusOr<StreamedTensor> StreamBuffer(const std::string& name, const at::Tensor& value, at::ScalarType dtype) {
  StreamedTensor tensor;
  tensor.name = name;
  tensor.shape = value.sizes().vec();
  const at::ScalarType stored = TypeToStore(value, dtype);
  ASSIGN_OR_RETURN(tensor.type, StoredType(stored));
  tensor.stream = [value, stored](const ByteSink& sink) {
    const at::Tensor bytes = value.detach().to(at::kCPU, stored).contiguous();
    return sink(absl::MakeConstSpan(static_cast<const std::byte*>(bytes.const_data_ptr()), bytes.nbytes()));
  };
  return tensor;
}

// A kept tensor as it is; FP8 blocks are decoded, since the folder that is written has none.
StreamedTensor StreamKept(const PlacedWeight& kept, TensorType dtype) {
  const StoredWeight& weight = kept.rows.weight;
  StreamedTensor tensor;
  tensor.name = kept.name;
  tensor.shape = kept.shape;
  tensor.type = weight.quantized() ? dtype : weight.type();
  if (!weight.quantized()) {
    tensor.stream = [&weight](const ByteSink& sink) { return sink(weight.RowBytes(0, weight.num_rows())); };
    return tensor;
  }
  tensor.stream = [&kept, dtype](const ByteSink& sink) {
    return ForEachPiece(kept.rows, [&](int64_t first, absl::Span<const float> values) {
      std::vector<std::byte> bytes(values.size() * TensorTypeBytes(dtype));
      FromFloats(dtype, values, bytes.data());
      return sink(bytes);
    });
  };
  return tensor;
}

// Whether a kept tensor is the copy of a main tensor in the folder that both came from.
bool IsCopyOf(const PlacedWeight& kept, const std::string& main, const ModelFolder& folder) {
  const absl::StatusOr<TensorBytes> own = folder.Find(kept.name);
  const absl::StatusOr<TensorBytes> other = folder.Find(main);
  return own.ok() && other.ok() && own->type == other->type && own->bytes == other->bytes;
}

// The main tensor whose training the kept copy has to follow; undefined where it is no such copy.
at::Tensor TrainedOriginal(const PolicyWeights& weights, const PlacedWeight& kept) {
  if (!IsMtpCopy(kept.name)) return {};
  const bool embedding = absl::EndsWith(kept.name, ".embed_tokens.weight");
  const bool tied = weights.config.tie_word_embeddings;
  const std::string main = embedding || tied ? "model.embed_tokens.weight" : "lm_head.weight";
  if (!IsCopyOf(kept, main, *weights.mtp->folder)) return {};
  return embedding ? weights.embed : weights.lm_head;
}

absl::Status AddMtp(const PolicyWeights& weights, at::ScalarType dtype, std::vector<StreamedTensor>& tensors) {
  ASSIGN_OR_RETURN(const TensorType type, StoredType(dtype));
  for (const PlacedWeight& kept : weights.mtp->tensors) {
    const at::Tensor original = TrainedOriginal(weights, kept);
    if (!original.defined()) {
      tensors.push_back(StreamKept(kept, type));
      continue;
    }
    ASSIGN_OR_RETURN(StreamedTensor copy, StreamBuffer(kept.name, original, dtype));
    tensors.push_back(std::move(copy));
  }
  return absl::OkStatus();
}

Json ConfigToWrite(const PolicyWeights& weights, at::ScalarType dtype) {
  Json json = weights.config.source;
  SetConfigDtype(json, dtype == at::kFloat ? "float32" : "bfloat16");
  json.erase("quantization_config");
  // Layers for multi-token prediction that were not there cannot be claimed.
  if (weights.config.num_mtp_layers > 0 && weights.mtp == nullptr) json["num_nextn_predict_layers"] = 0;
  return json;
}

}  // namespace

absl::Status SaveWeights(const PolicyWeights& weights, const std::string& path, const std::string& copy_from) {
  return CatchTorch("SaveWeights", [&]() -> absl::Status {
    const at::ScalarType dtype = weights.embed.scalar_type();
    ModelFolderContent content;
    content.config = ConfigToWrite(weights, dtype);
    content.copy_text_files_from = copy_from;
    for (const PublishedTensor& tensor : PublishedTensors(weights)) {
      ASSIGN_OR_RETURN(StreamedTensor streamed, StreamBuffer(tensor.name, tensor.view, dtype));
      content.tensors.push_back(std::move(streamed));
    }
    if (weights.mtp != nullptr) RETURN_IF_ERROR(AddMtp(weights, dtype, content.tensors));
    return WriteModelFolder(path, content);
  });
}

}  // namespace plumb
