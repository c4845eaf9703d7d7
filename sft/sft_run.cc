#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/file.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "policy/model_size.h"
#include "policy/policy_folder.h"
#include "sft/sft_trainer.h"
#include "text/text_codec.h"

namespace plumb {
namespace {

absl::Status LoadRows(const proto::SftConfig& config, SftParts& parts) {
  ASSIGN_OR_RETURN(const std::unique_ptr<TextCodec> codec, TextCodec::Load(config.model()));
  ASSIGN_OR_RETURN(parts.rows, LoadSftRows(config.data(), *codec, config.max_sequence_length()));
  if (parts.rows.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("data.file: ", config.data().file(), " has no row to train on"));
  }
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
