#include "policy/export/folder_export.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/interrupt.h"
#include "base/status_macros.h"
#include "checkpoint/number_formats.h"
#include "policy/config/model_config_fields.h"

namespace plumb {
namespace {

constexpr char kPlainModules[] = "modules_to_not_convert";

constexpr char kExperts[] = ".mlp.experts.";

// The matrices that published FP8 folders quantize: projections of attention, feed-forward layers and experts. Not
// the embeddings, the head, norms, the router, nor eh_proj.
bool IsQuantizedInPublishedFolders(const std::string& name) {
  const bool place = absl::StrContains(name, ".self_attn.") || absl::StrContains(name, ".mlp.");
  return place && (absl::EndsWith(name, "_proj.weight") || absl::EndsWith(name, "_proj_with_mqa.weight"));
}

// Whether the type holds every number of the weight.
bool Holds(TensorType type, const WeightRows& rows) {
  bool holds = true;
  const absl::Status done = ForEachPiece(rows, [&](int64_t first, absl::Span<const float> values) {
    std::vector<std::byte> bytes(values.size() * TensorTypeBytes(type));
    std::vector<float> back(values.size());
    FromFloats(type, values, bytes.data());
    ToFloats(type, bytes, back.data());
    holds = holds && std::equal(values.begin(), values.end(), back.begin());
    return absl::OkStatus();
  });
  PLUMB_CHECK(done.ok()) << done;
  return holds;
}

absl::Status StreamPlain(const PlacedWeight& weight, TensorType type, const ByteSink& sink) {
  const WeightRows& rows = weight.rows;
  if (rows.weight.type() == type) return sink(rows.weight.RowBytes(rows.first_row, rows.num_rows));
  std::vector<std::byte> bytes;
  return ForEachPiece(rows, [&](int64_t first, absl::Span<const float> values) {
    bytes.resize(values.size() * TensorTypeBytes(type));
    FromFloats(type, values, bytes.data());
    return sink(bytes);
  });
}

// Quantizes band by band and hands each to `take`.
absl::Status ForEachBand(const PlacedWeight& weight, Fp8Scales scales,
                         const std::function<absl::Status(const Fp8Band&)>& take) {
  const int64_t columns = weight.rows.weight.row_size();
  const int64_t band_size = kFp8BlockSize * columns;
  return ForEachPiece(weight.rows, [&](int64_t first, absl::Span<const float> values) -> absl::Status {
    if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) {
      return absl::InvalidArgumentError(
          absl::StrCat(weight.name, ": has numbers that are not finite; FP8 blocks cannot hold them"));
    }
    for (int64_t begin = 0; begin < static_cast<int64_t>(values.size()); begin += band_size) {
      RETURN_IF_ERROR(take(QuantizeFp8Band(values.subspan(begin, band_size), columns, scales)));
    }
    return absl::OkStatus();
  });
}

StreamedTensor CodesOf(const PlacedWeight& weight, Fp8Scales scales) {
  StreamedTensor tensor;
  tensor.name = weight.name;
  tensor.type = TensorType::kF8E4M3;
  tensor.shape = weight.shape;
  tensor.stream = [&weight, scales](const ByteSink& sink) {
    return ForEachBand(weight, scales, [&](const Fp8Band& band) { return sink(band.codes); });
  };
  return tensor;
}

StreamedTensor ScalesOf(const PlacedWeight& weight, Fp8Scales scales) {
  StreamedTensor tensor;
  tensor.name = weight.name + kScaleSuffix;
  tensor.type = TensorType::kF32;
  tensor.shape = {NumFp8Blocks(weight.shape[0]), NumFp8Blocks(weight.shape[1])};
  tensor.stream = [&weight, scales](const ByteSink& sink) {
    return ForEachBand(weight, scales, [&](const Fp8Band& band) {
      return sink(absl::MakeConstSpan(reinterpret_cast<const std::byte*>(band.scales.data()),
                                      band.scales.size() * sizeof(float)));
    });
  };
  return tensor;
}

bool AllArePowersOfTwo(const FolderLayout& layout) {
  const auto powers = [](const PlacedWeight& weight) { return weight.rows.weight.HasPowersOfTwo(); };
  return std::all_of(layout.trunk.begin(), layout.trunk.end(), powers) &&
         std::all_of(layout.mtp.begin(), layout.mtp.end(), powers);
}

// Whether an entry of modules_to_not_convert names the weight's module: by its path, or by the path's beginning, end or
// a part of it, which are the ways that readers match entries.
bool Names(const std::string& entry, const std::string& weight) {
  const std::string module = weight.substr(0, weight.rfind('.'));
  return absl::StartsWith(module, entry) || absl::EndsWith(module, entry) ||
         absl::StrContains(module, absl::StrCat(".", entry, "."));
}

// transformers also takes an entry as a regular expression, which is not done here: whether it names a converted module
// would not be known. Without a conversion every entry stays true.
absl::Status CheckPlainModulesAreNames(const ModelConfig& config) {
  if (!config.quantization.fp8_blocks) return absl::OkStatus();
  const Json& quantization = config.source["quantization_config"];
  if (!FieldReader(quantization).Has(kPlainModules)) return absl::OkStatus();
  for (const std::string entry : quantization[kPlainModules]) {
    const bool is_name = std::all_of(entry.begin(), entry.end(), [](char c) {
      return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-';
    });
    if (is_name) continue;
    return absl::InvalidArgumentError(absl::StrCat("config.json: quantization_config.", kPlainModules,
                                                   " has the pattern ", DumpJson(Json(entry)),
                                                   ", expected names of modules where weights are converted to FP8"));
  }
  return absl::OkStatus();
}

// The same bytes, unless somebody interrupted before their turn came.
void StopAtInterrupt(StreamedTensor& tensor) {
  tensor.stream = [name = tensor.name, stream = std::move(tensor.stream)](const ByteSink& sink) -> absl::Status {
    if (InterruptRequested()) return absl::CancelledError(absl::StrCat("interrupted before ", name));
    return stream(sink);
  };
}

const char* DtypeName(TensorType type) {
  if (type == TensorType::kF32) return "float32";
  return type == TensorType::kF16 ? "float16" : "bfloat16";
}

}  // namespace

absl::StatusOr<std::unique_ptr<FolderExport>> FolderExport::Plan(std::shared_ptr<const ModelFolder> source,
                                                                 const ExportForm& form) {
  std::unique_ptr<FolderExport> plan(new FolderExport(std::move(source), form));
  ASSIGN_OR_RETURN(plan->config_, ParseModelConfig(plan->source_->config()));
  plan->layout_ = FindLayout(*plan->source_, plan->config_);
  RETURN_IF_ERROR(plan->layout_.FirstProblem());
  if (form.type == TensorType::kF8E4M3) RETURN_IF_ERROR(CheckPlainModulesAreNames(plan->config_));
  plan->powers_in_source_ = plan->config_.quantization.fp8_blocks && AllArePowersOfTwo(plan->layout_);
  RETURN_IF_ERROR(plan->AddTrunk(form.fused_experts.value_or(plan->layout_.fused_experts)));
  for (const PlacedWeight& weight : plan->layout_.mtp) plan->AddWeight(weight);
  for (StreamedTensor& tensor : plan->content_.tensors) StopAtInterrupt(tensor);
  plan->content_.config = plan->ConfigToWrite();
  plan->content_.copy_text_files_from = plan->source_->path();
  plan->content_.max_shard_bytes = form.max_shard_bytes;
  return plan;
}

absl::Status FolderExport::Write(const std::string& path) const { return WriteModelFolder(path, content_); }

TensorType FolderExport::TypeOf(const PlacedWeight& weight) const {
  const TensorType own = weight.rows.weight.type();
  if (!form_.type.has_value() || absl::EndsWith(weight.name, ".e_score_correction_bias")) return own;
  if (*form_.type == TensorType::kF8E4M3 && IsQuantizedInPublishedFolders(weight.name)) return TensorType::kF8E4M3;
  const TensorType plain = *form_.type == TensorType::kF8E4M3 ? TensorType::kBF16 : *form_.type;
  const bool router = absl::EndsWith(weight.name, ".mlp.gate.weight");
  return router && !Holds(plain, weight.rows) ? own : plain;
}

Fp8Scales FolderExport::ScalesToWrite() const {
  const bool powers = config_.quantization.power_of_two_scales && powers_in_source_;
  return form_.scales.value_or(powers ? Fp8Scales::kPowersOfTwo : Fp8Scales::kFloat32);
}

bool FolderExport::KeepsBlocks(const StoredWeight& weight) const {
  if (!form_.scales.has_value()) return weight.quantized();
  return weight.quantized() && (*form_.scales == Fp8Scales::kPowersOfTwo) == powers_in_source_;
}

bool FolderExport::WritesBlocks() const {
  return form_.type.has_value() ? *form_.type == TensorType::kF8E4M3 : config_.quantization.fp8_blocks;
}

void FolderExport::AddWeight(const PlacedWeight& weight) {
  const TensorType type = TypeOf(weight);
  const StoredWeight& stored = weight.rows.weight;
  if (type == TensorType::kF8E4M3 && !KeepsBlocks(stored)) {
    content_.tensors.push_back(CodesOf(weight, ScalesToWrite()));
    content_.tensors.push_back(ScalesOf(weight, ScalesToWrite()));
    return;
  }
  StreamedTensor tensor;
  tensor.name = weight.name;
  tensor.type = type;
  tensor.shape = weight.shape;
  tensor.stream = [&weight, type](const ByteSink& sink) { return StreamPlain(weight, type, sink); };
  content_.tensors.push_back(std::move(tensor));
  if (type == TensorType::kF8E4M3) content_.tensors.emplace_back(weight.name + kScaleSuffix, *stored.scales());
}

void FolderExport::AddFused(const std::string& name, const std::vector<const PlacedWeight*>& parts,
                            int64_t num_experts) {
  StreamedTensor tensor;
  tensor.name = name;
  tensor.type = TypeOf(*parts[0]);
  int64_t rows = 0;
  for (const PlacedWeight* part : parts) rows += part->shape[0];
  tensor.shape = {num_experts, rows / num_experts, parts[0]->shape[1]};
  tensor.stream = [parts, type = tensor.type](const ByteSink& sink) -> absl::Status {
    for (const PlacedWeight* part : parts) RETURN_IF_ERROR(StreamPlain(*part, type, sink));
    return absl::OkStatus();
  };
  content_.tensors.push_back(std::move(tensor));
}

absl::Status FolderExport::AddTrunk(bool fused) {
  // Experts of a layer follow each other, each with its gate, up and down matrix.
  std::vector<const PlacedWeight*> gate_up;
  std::vector<const PlacedWeight*> down;
  for (const PlacedWeight& weight : layout_.trunk) {
    const size_t experts = weight.name.find(kExperts);
    if (!fused || experts == std::string::npos) {
      AddWeight(weight);
      continue;
    }
    if (TypeOf(weight) == TensorType::kF8E4M3) {
      return absl::InvalidArgumentError("fused experts cannot be written in FP8 blocks; write them one by one");
    }
    const bool last = absl::EndsWith(weight.name, ".down_proj.weight");
    (last ? down : gate_up).push_back(&weight);
    if (static_cast<int64_t>(down.size()) < config_.num_experts) continue;
    const std::string prefix = weight.name.substr(0, experts + sizeof(kExperts) - 1);
    AddFused(prefix + "gate_up_proj", gate_up, config_.num_experts);
    AddFused(prefix + "down_proj", down, config_.num_experts);
    gate_up.clear();
    down.clear();
  }
  return absl::OkStatus();
}

Json FolderExport::ConfigToWrite() const {
  const Json& source = config_.source;
  Json config = form_.spelling.has_value() ? WithSpelling(source, *form_.spelling) : source;
  if (config_.num_mtp_layers > 0 && layout_.mtp.empty()) config["num_nextn_predict_layers"] = 0;
  if (form_.type.has_value()) SetConfigDtype(config, DtypeName(*form_.type));
  if (WritesBlocks()) {
    config["quantization_config"] = QuantizationToWrite();
  } else {
    config.erase("quantization_config");
  }
  return config;
}

Json FolderExport::QuantizationToWrite() const {
  constexpr char kScaleFormat[] = "scale_fmt";
  Json quantization = {{"activation_scheme", "dynamic"}, {"fmt", "e4m3"}, {"quant_method", "fp8"}};
  quantization["weight_block_size"] = {kFp8BlockSize, kFp8BlockSize};
  if (config_.quantization.fp8_blocks) quantization = config_.source["quantization_config"];
  if (ScalesToWrite() == Fp8Scales::kPowersOfTwo) {
    quantization[kScaleFormat] = "ue8m0";
  } else if (config_.quantization.power_of_two_scales) {
    quantization.erase(kScaleFormat);
  }
  if (!FieldReader(quantization).Has(kPlainModules)) return quantization;
  Json plain = Json::array();
  for (const std::string entry : quantization[kPlainModules]) {
    const bool converted = std::any_of(
        content_.tensors.begin(), content_.tensors.end(),
        [&](const StreamedTensor& tensor) { return tensor.type == TensorType::kF8E4M3 && Names(entry, tensor.name); });
    if (!converted) plain.push_back(entry);
  }
  quantization[kPlainModules] = plain;
  return quantization;
}

}  // namespace plumb
