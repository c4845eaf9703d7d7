#ifndef PLUMB_POLICY_EXPORT_FOLDER_EXPORT_H_
#define PLUMB_POLICY_EXPORT_FOLDER_EXPORT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "checkpoint/fp8_blocks.h"
#include "checkpoint/model_folder.h"
#include "policy/export/config_spelling.h"
#include "policy/folder_layout.h"

namespace plumb {

// The form in which a folder is written; what is not given stays as it is in the source.
struct ExportForm {
  // F32, BF16 or F16; or F8_E4M3: FP8 blocks of the matrices that published FP8 folders quantize, BF16 else. A router
  // that the type cannot hold keeps its own, and so does its correction bias.
  std::optional<TensorType> type;
  std::optional<Fp8Scales> scales;  // of FP8 blocks
  // Experts stacked under transformers 5's names, or one by one as on the hub. Layers for multi-token prediction are
  // always written one by one.
  std::optional<bool> fused_experts;
  std::optional<ConfigSpelling> spelling;
  int64_t max_shard_bytes = int64_t{5} << 30;
};

struct ExportCheck {
  int64_t num_tensors = 0;
  int64_t num_bytes = 0;
  bool lossless = true;         // every weight reads back as the same float32 number
  double largest_change = 0.0;  // of a weight, as a share of the largest magnitude of its tensor
  std::string where;            // the tensor that has it
};

// A model folder on its way into another form. Weights are read and written piece by piece, so that the model need not
// fit into memory. Immutable.
class FolderExport {
 public:
  // Errors: those of ParseModelConfig; the first problem of the folder's layout; kInvalidArgument for FP8 blocks of
  // fused experts, which no published folder has, and for a conversion to FP8 where the source names plain modules by a
  // pattern.
  static absl::StatusOr<std::unique_ptr<FolderExport>> Plan(std::shared_ptr<const ModelFolder> source,
                                                            const ExportForm& form);

  // Writes into the existing folder `path`.
  // Errors: those of WriteModelFolder; kInvalidArgument for weights that are not finite, where they are quantized;
  // kCancelled at the first tensor after an interrupt.
  absl::Status Write(const std::string& path) const;

  // Opens what Write() left and compares: config.json, the names, types and shapes of all tensors (one that is missing
  // or too many is an error), the bytes of each with a second conversion, and the weights that a reader gets.
  // Errors: kDataLoss naming the tensor; kInvalidArgument naming a tensor of the source that has a number which is not
  // finite, or a tensor and its number where the type that was asked for does not hold it; kCancelled as Write().
  absl::StatusOr<ExportCheck> Check(const std::string& path) const;

 private:
  FolderExport(std::shared_ptr<const ModelFolder> source, const ExportForm& form) : source_(source), form_(form) {}
  TensorType TypeOf(const PlacedWeight& weight) const;
  Fp8Scales ScalesToWrite() const;
  bool KeepsBlocks(const StoredWeight& weight) const;
  bool WritesBlocks() const;
  // The truth about what is written, over what the source says.
  Json QuantizationToWrite() const;
  absl::Status AddTrunk(bool fused);
  void AddWeight(const PlacedWeight& weight);
  void AddFused(const std::string& name, const std::vector<const PlacedWeight*>& parts, int64_t num_experts);
  Json ConfigToWrite() const;
  absl::Status CheckTensors(const ModelFolder& written) const;
  absl::Status CheckConfig(const ModelFolder& written) const;
  absl::Status CompareWeights(const ModelFolder& written, ExportCheck& check) const;

  const std::shared_ptr<const ModelFolder> source_;
  const ExportForm form_;
  ModelConfig config_;
  FolderLayout layout_;
  bool powers_in_source_ = false;  // whether every scale of its FP8 blocks is a power of two
  ModelFolderContent content_;     // its streams read layout_
};

}  // namespace plumb

#endif  // PLUMB_POLICY_EXPORT_FOLDER_EXPORT_H_
