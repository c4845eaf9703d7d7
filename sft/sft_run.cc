#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "policy/policy_folder.h"
#include "sft/sft_trainer.h"
#include "text/text_codec.h"

namespace plumb {
namespace {

// A policy that is never shown an end token does not learn to stop.
void WarnWithoutEnd(const std::string& file, const std::vector<SftRow>& rows, const TextCodec& codec) {
  std::vector<int64_t> ends = codec.end_ids();
  if (codec.eos_id() >= 0) ends.push_back(codec.eos_id());
  for (const SftRow& row : rows) {
    for (size_t t = 0; t < row.ids.size(); ++t) {
      if (row.train_mask[t] && std::find(ends.begin(), ends.end(), row.ids[t]) != ends.end()) return;
    }
  }
  LogWarning(
      "sft", file, ": no row trains an end token",
      ends.empty() ? ", and the model folder names none" : ", because of the chat template or because all are cut",
      ": the policy will not learn to stop");
}

absl::Status LoadRows(const proto::SftConfig& config, SftParts& parts) {
  ASSIGN_OR_RETURN(const std::unique_ptr<TextCodec> codec, TextCodec::Load(config.model()));
  ASSIGN_OR_RETURN(parts.rows, LoadSftRows(config.data(), *codec, config.max_sequence_length()));
  if (parts.rows.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("data.file: ", config.data().file(), " has no row to train on"));
  }
  WarnWithoutEnd(config.data().file(), parts.rows, *codec);
  if (!config.eval_data().file().empty()) {
    ASSIGN_OR_RETURN(parts.eval_rows, LoadSftRows(config.eval_data(), *codec, config.max_sequence_length()));
  }
  return absl::OkStatus();
}

// The checkpoint to go on from, where there is one.
absl::StatusOr<std::optional<std::string>> OpenRun(const proto::SftConfig& config, const ConfigSources& sources,
                                                   bool resume, SftParts& parts) {
  ASSIGN_OR_RETURN(parts.run, RunFolder::Open(config.output(), resume));
  RETURN_IF_ERROR(AddLogFile(parts.run->File("log.txt")));
  RETURN_IF_ERROR(WriteFileAtomic(parts.run->File("config.yaml"), FormatConfig(config, sources)));
  if (!resume) return std::optional<std::string>();
  return parts.run->LatestCheckpoint();
}

}  // namespace

absl::Status RunSft(const proto::SftConfig& config, const ConfigSources& sources, bool resume) {
  ASSIGN_OR_RETURN(const at::Device device, ParseDevice(config.compute().device()));
  ASSIGN_OR_RETURN(const at::ScalarType dtype, ParseDtype(config.compute().dtype()));
  SetTensorThreads(config.compute().threads());
  SftParts parts;
  RETURN_IF_ERROR(LoadRows(config, parts));
  ASSIGN_OR_RETURN(const std::optional<std::string> checkpoint, OpenRun(config, sources, resume, parts));
  TrainerState state;
  state.step = -1;
  if (checkpoint.has_value()) {
    ASSIGN_OR_RETURN(state, RunFolder::LoadTrainerState(*checkpoint));
  }
  ASSIGN_OR_RETURN(parts.metrics, MetricsWriter::Open(parts.run->path(), state.step));
  ASSIGN_OR_RETURN(parts.weights, LoadPolicyFolder(checkpoint.value_or(config.model()), dtype, device));
  LogInfo("sft", parts.rows.size(), " rows, ", NumParameters(parts.weights.config), " parameters",
          checkpoint.has_value() ? absl::StrCat(", going on from ", *checkpoint) : std::string());
  SftTrainer trainer(config, std::move(parts));
  if (checkpoint.has_value()) RETURN_IF_ERROR(trainer.Restore(state));
  return trainer.Run();
}

}  // namespace plumb
