#include <iostream>
#include <optional>

#include "absl/strings/str_join.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "checkpoint/atomic_folder.h"
#include "policy/export/folder_export.h"
#include "policy/model_size.h"
#include "policy/policy_folder.h"
#include "tools/commands/commands.h"
#include "tools/exit_code.h"
#include "tools/machine_memory.h"
#include "tools/models/folder_report.h"
#include "tools/models/logit_comparison.h"

namespace plumb::cli {
namespace {

constexpr char kSame[] = "same";

std::optional<TensorType> TypeNamed(const std::string& name) {
  if (name == "float32") return TensorType::kF32;
  if (name == "bfloat16") return TensorType::kBF16;
  if (name == "float16") return TensorType::kF16;
  if (name == "fp8") return TensorType::kF8E4M3;
  return std::nullopt;
}

class CheckpointExport : public Command {
 public:
  void Declare(OptionSet& options) override {
    options.Argument("SRC", source_, "Model folder to read.");
    options.Argument("DST", destination_, "Model folder to write; it must not exist.");
    options.Choice("--dtype", {kSame, "float32", "bfloat16", "float16", "fp8"}, dtype_,
                   "Type of the weights; fp8 is blocks of 128 x 128.");
    options.Choice("--scales", {kSame, "float32", "powers-of-two"}, scales_, "Scales of FP8 blocks.");
    options.Choice("--experts", {kSame, "separate", "fused"}, experts_,
                   "One tensor per expert as on the hub, or stacked as transformers 5 has them.");
    options.Choice("--spelling", {kSame, "hub", "transformers-5"}, spelling_, "Names of the fields of config.json.");
    options.Number("--shard-gigabytes", {.min = 0, .above_min = true}, shard_gigabytes_,
                   "Largest size of a file; a tensor that is larger gets its own.");
    options.Flag("--skip-logits", skip_logits_, "Do not load both folders to compare their logits.");
    options.Whole("--threads", {0, 1024}, threads_, "Threads of the logits' comparison; 0 takes one per core.");
  }

  absl::Status Run() override {
    InstallReaderInterruptHandler();
    ASSIGN_OR_RETURN(const std::shared_ptr<const ModelFolder> source, NamedFileError(ModelFolder::Open(source_)));
    ASSIGN_OR_RETURN(const ModelConfig config, ParseModelConfig(source->config()));
    RETURN_IF_ERROR(CheckScales(config));
    ASSIGN_OR_RETURN(const std::unique_ptr<FolderExport> plan, FolderExport::Plan(source, Form()));
    RETURN_IF_ERROR(CheckFilesBesideWeights(config));
    RETURN_IF_ERROR(CheckSourceManifest());
    InstallOutputInterruptHandler();  // from here on there is something to remove
    ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFolder> folder, AtomicFolder::Create(destination_));
    RETURN_IF_ERROR(plan->Write(folder->path()));
    ASSIGN_OR_RETURN(const ExportCheck check, plan->Check(folder->path()));
    Json result = {{"model", destination_},
                   {"tensors", check.num_tensors},
                   {"bytes", check.num_bytes},
                   {"lossless", check.lossless},
                   {"largest_change", check.largest_change}};
    if (!check.lossless) result["largest_change_in"] = check.where;
    RETURN_IF_ERROR(AddLogits(config, *folder, check, result));
    if (InterruptRequested()) return absl::CancelledError("interrupted before the export was complete");
    RETURN_IF_ERROR(folder->Commit());
    RETURN_IF_ERROR(VerifyManifest(destination_));
    std::cout << DumpJson(result) << "\n";
    return absl::OkStatus();
  }

 private:
  ExportForm Form() const {
    ExportForm form;
    form.type = TypeNamed(dtype_);
    if (scales_ != kSame) form.scales = scales_ == "float32" ? Fp8Scales::kFloat32 : Fp8Scales::kPowersOfTwo;
    if (experts_ != kSame) form.fused_experts = experts_ == "fused";
    if (spelling_ != kSame) {
      form.spelling = spelling_ == "hub" ? ConfigSpelling::kHub : ConfigSpelling::kTransformers5;
    }
    form.max_shard_bytes = std::max<int64_t>(1, static_cast<int64_t>(shard_gigabytes_ * 1e9));
    return form;
  }

  absl::Status CheckScales(const ModelConfig& config) const {
    const bool blocks = dtype_ == "fp8" || (dtype_ == kSame && config.quantization.fp8_blocks);
    if (blocks || scales_ == kSame) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        "--scales ", scales_, ": nothing is written in FP8 blocks, which alone have scales; add --dtype fp8"));
  }

  // The source with another manifest would hide that its own says something else.
  absl::Status CheckSourceManifest() const {
    const absl::Status status = VerifyManifest(source_);
    return absl::IsNotFound(status) ? absl::OkStatus() : NamedFileError(status);
  }

  // They are copied as they are, so that what is wrong with them would be wrong with the export.
  absl::Status CheckFilesBesideWeights(const ModelConfig& config) const {
    const FolderReport report = ReportText(source_, config);
    if (report.num_problems == 0) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrJoin(report.problems, "; "));
  }

  // Loads both folders, one after the other, where they fit.
  absl::Status AddLogits(const ModelConfig& config, const AtomicFolder& folder, const ExportCheck& check,
                         Json& result) const {
    const double needed = static_cast<double>(NumParameters(config)) * sizeof(float) * 1.1;
    const double available = AvailableMemoryBytes();
    if (skip_logits_ || (available > 0 && needed > available)) {
      LogInfo("export", "logits are not compared: ",
              skip_logits_
                  ? "--skip-logits"
                  : absl::StrFormat("needs %.1f GB of memory, %.1f GB are free", needed / 1e9, available / 1e9));
      result["logits"] = nullptr;
      return absl::OkStatus();
    }
    SetTensorThreads(static_cast<int>(threads_));
    ASSIGN_OR_RETURN(const LogitDifference difference, CompareLogits(source_, folder.path()));
    if (check.lossless && difference.largest != 0.0) {
      return absl::DataLossError(
          absl::StrCat("the export is wrong: weights are equal, but logits differ by ", difference.largest));
    }
    result["logits"] = {{"largest_difference", difference.largest},
                        {"standard_deviation", difference.deviation},
                        {"same_top_token", difference.same_top}};
    return absl::OkStatus();
  }

  std::string source_;
  std::string destination_;
  std::string dtype_ = kSame;
  std::string scales_ = kSame;
  std::string experts_ = kSame;
  std::string spelling_ = kSame;
  double shard_gigabytes_ = 5.0;
  bool skip_logits_ = false;
  int64_t threads_ = 0;
};

}  // namespace

CommandEntry CheckpointExportCommand() {
  return {
      .name = "export",
      .summary = "Write a model folder in another form, and check it.",
      .details =
          "Weights are read and written piece by piece: the model need not fit into memory. Then what was written\n"
          "is compared with the source: names, shapes, the bytes of a second conversion, the numbers that a reader\n"
          "gets, and, where both fit into memory, logits. A folder appears only if all of it is right.\n"
          "A source with files that are not those of its manifest.json, numbers that are not finite, a broken\n"
          "tokenizer or chat template is refused.\n"
          "Layers for multi-token prediction, the tokenizer and the chat template go along.\n"
          "Prints one JSON object. Its largest_change is that of a weight, as a share of the largest magnitude of its\n"
          "tensor, largest_change_in: 0.01 is a hundredth of it.",
      .example =
          "plumb checkpoint export runs/sft/checkpoints/latest out --dtype bfloat16\n"
          "plumb checkpoint export DeepSeek-V3 V3-bf16 --dtype bfloat16 --shard-gigabytes 10",
      .make = [] { return std::make_unique<CheckpointExport>(); }};
}

}  // namespace plumb::cli
